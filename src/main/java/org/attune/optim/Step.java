package org.attune.optim;

/// An update of the parameters.
///
/// @param number from 1
/// @param learningRate ≥ 0
/// @param gradientScale factor on the gradients
/// @param shared the [shared numbers of state][OptimizerKind#shared], as of this update
public record Step(long number, double learningRate, double gradientScale, double[] shared) {}
