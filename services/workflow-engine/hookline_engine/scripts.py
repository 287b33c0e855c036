"""JavaScript for INLINE, SWITCH and DO_WHILE: QuickJS, a fresh context for each evaluation.

The one module that touches `quickjs`, which has no types (hence the relaxed checks below).
"""

# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false

from typing import Any

import msgspec
import quickjs  # the engine releases the GIL while a script runs

from hookline_common.ids import digest
from hookline_common.jsonpath import is_array, is_object
from hookline_engine.script_errors import ScriptError, ScriptTimeout

TIME_LIMIT_SECONDS = 4.0
MEMORY_LIMIT_BYTES = 64 * 1024 * 1024
STACK_LIMIT_BYTES = 256 * 1024
MAX_MESSAGE = 500

# Gives a function that evaluates a source text and answers JSON. What it needs is taken before the
# source can replace it. Clock and randomness come from the command, so that the same command
# decides the same. Undefined members are null, NaN and infinities their names; what has no members
# of plain data (dates, functions, promises) is an empty object: engine.md 4.4.
_PRELUDE = """
((now, seed) => {
  const indirect = eval, stringify = JSON.stringify, keys = Object.keys, text = String;
  const define = Object.defineProperty, isArray = Array.isArray, isFinite = Number.isFinite;
  const RealDate = Date; let state = seed >>> 0;
  const FixedDate = function (...parts) {
    if (!new.target) return new RealDate(now).toString();
    return parts.length ? new RealDate(...parts) : new RealDate(now);
  };
  FixedDate.prototype = RealDate.prototype; FixedDate.prototype.constructor = FixedDate;
  FixedDate.now = () => now; FixedDate.parse = RealDate.parse; FixedDate.UTC = RealDate.UTC;
  globalThis.Date = FixedDate;
  Math.random = () => {
    state = (state + 0x6D2B79F5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
  const plain = (v, depth) => {
    if (depth > 200) throw new RangeError("the result is nested too deeply");
    if (v === undefined || v === null) return null;
    switch (typeof v) {
      case "number": return isFinite(v) ? v : text(v);
      case "bigint": return {"\\u0000big": text(v)};
      case "symbol": case "function": return {};
      case "object": break;
      default: return v;
    }
    if (v instanceof Number || v instanceof String || v instanceof Boolean)
      return plain(v.valueOf(), depth + 1);
    const result = isArray(v) ? [] : {};
    const names = isArray(v) ? null : keys(v);
    const count = names ? names.length : v.length;
    for (let i = 0; i < count; i++) {
      const name = names ? names[i] : i;
      define(result, name,
        {value: plain(v[name], depth + 1), enumerable: true, configurable: true, writable: true});
    }
    return result;
  };
  return (source) => stringify(plain(indirect(source), 0));
})
"""
_SAFE_INTEGER = 2**53


class QuickJsEvaluator:
    """Evaluates expressions in a sandbox with limits on time, memory and stack."""

    def __init__(self, time_limit_seconds: float = TIME_LIMIT_SECONDS) -> None:
        self._time_limit = time_limit_seconds

    def evaluate(self, script: str, value: Any, now_ms: int, seed: str) -> Any:
        """The value of the last statement with `$` = a copy of `value`; raises ScriptError."""
        try:
            document = msgspec.json.encode(value).decode()
            context = self._context()
            run = context.eval(_PRELUDE)(float(now_ms), float(int(digest(seed)[:8], 16)))
            context.set("$", context.parse_json(document))
            return _restored(msgspec.json.decode(run(script)))
        except quickjs.JSException as error:
            raise _script_error(str(error)) from error
        except (ValueError, RecursionError, msgspec.MsgspecError) as error:
            raise ScriptError(str(error)[:MAX_MESSAGE]) from error

    def _context(self) -> Any:
        context = quickjs.Context()
        context.set_memory_limit(MEMORY_LIMIT_BYTES)
        context.set_max_stack_size(STACK_LIMIT_BYTES)
        context.set_time_limit(self._time_limit)
        return context


def syntax_error(script: str) -> str | None:
    """Why a script does not parse, or None. Nothing of it runs."""
    context = quickjs.Context()
    context.set_memory_limit(MEMORY_LIMIT_BYTES)
    context.set_time_limit(TIME_LIMIT_SECONDS)
    # The whole text is parsed before its first statement is run, and that one ends it.
    try:
        context.eval("throw 0;\n" + script)
    except quickjs.JSException as error:
        message = str(error).strip().splitlines()[0][:MAX_MESSAGE]
        return message if message.startswith("SyntaxError") else None
    except ValueError as error:
        return str(error)[:MAX_MESSAGE]
    return None


def _script_error(message: str) -> ScriptError:
    first, *rest = message.strip().splitlines() or ["unknown error"]
    place = rest[0].strip() if rest and rest[0].strip().startswith("at ") else ""
    text = f"{first} {place}".strip()[:MAX_MESSAGE]
    if text.startswith("InternalError: interrupted"):
        return ScriptTimeout("the script ran longer than it may")
    return ScriptError(text)


def _restored(value: Any) -> Any:
    """Whole numbers as integers, big integers from their text."""
    if isinstance(value, float) and value.is_integer() and abs(value) <= _SAFE_INTEGER:
        return int(value)
    if is_array(value):
        return [_restored(part) for part in value]
    if is_object(value):
        if len(value) == 1 and "\0big" in value:
            return int(value["\0big"])
        return {key: _restored(part) for key, part in value.items()}
    return value
