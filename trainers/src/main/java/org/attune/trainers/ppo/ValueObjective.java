package org.attune.trainers.ppo;

/// A critic's loss at one token: half the squared error, where the old estimate `V_old` bounds how
/// far a step pays off. With return `R`:
/// ```
/// L = ½ max((V − R)², (clip(V, V_old − c, V_old + c) − R)²)
/// ```
/// as in [OpenAI's baselines](https://arxiv.org/abs/2005.12729) (Engstrom et al. 2020, §3).
///
/// @param clipRange c, > 0; infinite: no bound
record ValueObjective(double clipRange) {
    public ValueObjective {
        if (!(clipRange > 0)) {
            throw new IllegalArgumentException("cliprange_value must be > 0, got " + clipRange);
        }
    }

    /// Sums over the tokens of a completion that count.
    ///
    /// @param loss of L
    /// @param slopes derivative of `loss` by each estimate, `(T)`
    /// @param tokens how many count
    /// @param values of V
    /// @param clipped tokens whose bounded error is the larger one
    @SuppressWarnings("ArrayRecordComponent") // a named tuple, never compared
    public record Result(
            double loss, double[] slopes, double tokens, double values, double clipped) {}

    /// Evaluates one completion.
    ///
    /// @param values V, `(T)`
    /// @param old V_old, `(T)`
    /// @param returns R, `(T)`
    /// @param mask 1 where a token counts, else 0, `(T)`
    public Result evaluate(double[] values, double[] old, double[] returns, double[] mask) {
        double[] slopes = new double[values.length];
        double loss = 0;
        double tokens = 0;
        double sum = 0;
        double clipped = 0;
        for (int t = 0; t < values.length; t++) {
            if (mask[t] == 0) {
                continue;
            }
            double error = values[t] - returns[t];
            double within = Math.clamp(values[t], old[t] - clipRange, old[t] + clipRange);
            double bounded = within - returns[t];
            boolean isClipped = bounded * bounded > error * error;
            loss += (isClipped ? bounded * bounded : error * error) / 2;
            slopes[t] = isClipped ? 0 : error;
            tokens++;
            sum += values[t];
            clipped += isClipped ? 1 : 0;
        }
        return new Result(loss, slopes, tokens, sum, clipped);
    }
}
