/// Completions that keep to a form. Read [Constraint], then [Grammar], which makes languages of
/// bytes, [Automaton], which follows one byte by byte, and [TokenMasks], which asks it for the
/// tokens that may come next.
package org.attune.rollout.constraint;
