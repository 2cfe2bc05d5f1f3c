/// How good a model is: completions of problems, judged by a reward function, with intervals that
/// say how far the figures can be trusted.
///
/// Read [ModelEval], then [EvalResult].
package org.attune.models.eval;
