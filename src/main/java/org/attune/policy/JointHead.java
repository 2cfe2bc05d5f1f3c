package org.attune.policy;

import org.attune.tensor.Tensor;

import java.util.EnumMap;
import java.util.Map;

/// Predictions and estimates of value from the same hidden states: each target's value is read at
/// the row that predicts it.
final class JointHead implements Head {
    private final OutputHead tokens;
    private final ScoreHead values;
    private final Measurement measurement;

    /// Takes over both.
    JointHead(OutputHead tokens, ScoreHead values) {
        this.tokens = tokens;
        this.values = values;
        var statistics = new EnumMap<HeadStatistic, float[]>(HeadStatistic.class);
        statistics.putAll(tokens.measurement().statistics());
        statistics.put(HeadStatistic.VALUE, values.measurement().tokenLogProbs());
        measurement = new Measurement(tokens.measurement().tokenLogProbs(), statistics);
    }

    @Override
    public Measurement measurement() {
        return measurement;
    }

    @Override
    public Tensor backward(float[] weights, Map<HeadStatistic, float[]> others) {
        Tensor d = tokens.backward(weights, others); // (N, D)
        float[] slopes = others.get(HeadStatistic.VALUE);
        return slopes == null ? d : d.addInPlace(values.backward(slopes, Map.of()));
    }

    @Override
    public void close() {
        values.close();
        tokens.close();
    }
}
