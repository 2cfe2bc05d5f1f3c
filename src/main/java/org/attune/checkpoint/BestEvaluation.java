package org.attune.checkpoint;

import java.util.OptionalInt;

/// The best evaluation of a run so far.
///
/// @param metric the value that was compared
/// @param step optimizer steps done when it was made
/// @param checkpoint step of the newest checkpoint that was written at a best evaluation; empty if
///     none was
public record BestEvaluation(double metric, int step, OptionalInt checkpoint) {}
