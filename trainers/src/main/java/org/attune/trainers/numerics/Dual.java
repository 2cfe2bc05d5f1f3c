package org.attune.trainers.numerics;

/// A number with its exact derivatives by the two variables of a preference pair: the policy's
/// log-probability of the chosen and of the rejected completion.
///
/// @param value the number
/// @param byChosen derivative by `log π(y_w | x)`
/// @param byRejected derivative by `log π(y_l | x)`
public record Dual(double value, double byChosen, double byRejected) {
    /// The policy's log-probability of the chosen completion itself.
    public static Dual chosen(double value) {
        return new Dual(value, 1, 0);
    }

    /// The policy's log-probability of the rejected completion itself.
    public static Dual rejected(double value) {
        return new Dual(value, 0, 1);
    }

    public Dual plus(Dual other) {
        return new Dual(
                value + other.value, byChosen + other.byChosen, byRejected + other.byRejected);
    }

    public Dual minus(Dual other) {
        return plus(other.negate());
    }

    public Dual plus(double constant) {
        return new Dual(value + constant, byChosen, byRejected);
    }

    public Dual minus(double constant) {
        return plus(-constant);
    }

    public Dual times(Dual other) {
        return new Dual(
                value * other.value,
                byChosen * other.value + value * other.byChosen,
                byRejected * other.value + value * other.byRejected);
    }

    public Dual times(double constant) {
        return chain(value * constant, constant);
    }

    public Dual over(double constant) {
        return chain(value / constant, 1 / constant);
    }

    public Dual negate() {
        return times(-1);
    }

    public Dual square() {
        return chain(value * value, 2 * value);
    }

    public Dual exp() {
        double e = Math.exp(value);
        return chain(e, e);
    }

    /// `exp(x) - 1`, exact near 0.
    public Dual expm1() {
        return chain(Math.expm1(value), Math.exp(value));
    }

    /// The smaller of the two; no slope above `limit`.
    public Dual atMost(double limit) {
        return value > limit ? new Dual(limit, 0, 0) : this;
    }

    /// `max(x, 0)`; no slope at 0, as in PyTorch.
    public Dual relu() {
        return value > 0 ? this : new Dual(0, 0, 0);
    }

    /// `1 / (1 + exp(-x))` without overflow.
    public Dual sigmoid() {
        double s = Logistic.sigmoid(value);
        return chain(s, s * Logistic.sigmoid(-value));
    }

    /// `log(sigmoid(x))` without overflow or cancellation.
    public Dual logSigmoid() {
        return chain(-Logistic.softplus(-value), Logistic.sigmoid(-value));
    }

    /// `-(1-ε) log(sigmoid(x)) - ε log(sigmoid(-x))`: the logistic loss of a margin whose sign is
    /// taken to be wrong with probability ε.
    public Dual logisticLoss(double labelSmoothing) {
        Dual asLabelled = logSigmoid().times(1 - labelSmoothing);
        Dual flipped = negate().logSigmoid().times(labelSmoothing);
        return asLabelled.plus(flipped).negate();
    }

    /// `log(1 - exp(x))` of x < 0, without cancellation near 0 or far below.
    public Dual log1mExp() {
        double log =
                value < -Math.log(2) ? Math.log1p(-Math.exp(value)) : Math.log(-Math.expm1(value));
        return chain(log, Math.exp(value) / Math.expm1(value));
    }

    private Dual chain(double newValue, double slope) {
        return new Dual(newValue, slope * byChosen, slope * byRejected);
    }
}
