/// An interpreter of Jinja as chat templates use it: text → [Lexer] → tokens → [Parser] →
/// [Statement] and [Expression] trees → [Interpreter] and [Evaluator] → text.
///
/// It follows Jinja 3.1 in the set-up that Hugging Face's libraries use: immutable sandbox,
/// `trim_blocks`, `lstrip_blocks`, no automatic escaping, `{% break %}` and `{% continue %}`,
/// `{% generation %}`, and their own `tojson`, `raise_exception` and `strftime_now`. Values behave
/// as in Python: strings are sequences of code points, `true` prints `True`, lists print as
/// `['a', 1]`.
///
/// A value is one of: `null` (None), `Boolean`, `Long` or `BigInteger` (int; `BigInteger` only
/// beyond 64 bits), `Double` (float), `String` or [Markup] (str), `List` (list; [Tuple] and [Range]
/// are lists that Python tells apart), `Map` (dict), [Undefined], and a few objects that templates
/// meet only in passing ([LazySequence], [DictView], [Namespace], [LoopContext], [Macro] …).
///
/// A template is untrusted text: everything it can make grow is bounded by [Limits].
package org.attune.jinja;
