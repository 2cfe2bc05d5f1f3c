package org.attune.optim;

/// What holds for a parameter.
///
/// @param weightDecay ≥ 0; how it works is the optimizer's
/// @param rateFactor factor on the learning rate; ≥ 0
public record ParameterSetting(double weightDecay, double rateFactor) {}
