package org.attune.policy;

import org.attune.model.layer.Adapter;
import org.attune.model.layer.Decoder;
import org.attune.model.layer.Dropout;
import org.attune.model.layer.OutputLayer;
import org.attune.model.pass.DecoderRun;
import org.attune.tensor.Tensor;
import org.attune.tensor.TensorScope;

import java.util.Set;

/// A teacher model that has read a forest: it keeps the hidden state of each target, `(M, D)`, and
/// makes logits of a chunk when they are asked for.
public final class TeacherPass implements Teacher {
    private final TensorScope scope = TensorScope.detached("teacher");
    private final int targets;
    private final OutputLayer.Rows rows;

    /// Reads a forest.
    ///
    /// @param decoder frozen; borrowed until this is closed
    /// @param adapter of the teacher
    public TeacherPass(Decoder decoder, Adapter adapter, TokenForest given) {
        TokenForest forest = FrozenPass.rows(decoder, adapter, given, false);
        targets = forest.targetCount();
        var options = DecoderRun.Options.forwardOnly();
        try (var run = new DecoderRun(decoder, Policy.layout(forest), adapter, options);
                var _ = TensorScope.open("teacher")) {
            Tensor index = Tensor.ofInts(decoder.device(), forest.targetSources(), targets);
            Tensor x = run.hidden().indexSelect(0, index); // (M, D)
            Tensor h = Tensor.empty(x.device(), x.dtype(), x.shape()); // (M, D)
            decoder.finalNorm().forward(x, h, adapter);
            rows = decoder.output().rows(h, adapter, Dropout.NONE);
            rows.moveTo(scope);
        } catch (RuntimeException | Error e) {
            scope.close();
            throw e;
        }
    }

    /// Log-probabilities of a forest's targets at a temperature, `(M)`.
    ///
    /// @param decoder frozen; borrowed
    /// @param adapter of the teacher
    public static float[] logProbs(
            Decoder decoder, Adapter adapter, TokenForest forest, double temperature) {
        var request = new HeadRequest(Set.of(), temperature);
        return FrozenPass.measure(decoder, adapter, forest, request).tokenLogProbs();
    }

    @Override
    public int targets() {
        return targets;
    }

    /// Float32 logits of targets `from … from + n`, `(n, V)`.
    Tensor logits(int from, int n) {
        return rows.logits(from, n);
    }

    @Override
    public Compared compared(Tensor z, int from, double temperature) {
        Tensor own = rows.logits(from, z.size(0)); // (n, V)
        if (own.size(1) != z.size(1)) {
            throw new IllegalArgumentException(
                    "the teacher's vocabulary has %d tokens, the student's %d; accepted: one size"
                            .formatted(own.size(1), z.size(1)));
        }
        Tensor logProbs = own.mulInPlace(1 / temperature).logSoftmax(Tensor.LAST); // (n, V)
        own.close();
        return new Compared(z.logSoftmax(Tensor.LAST), logProbs);
    }

    @Override
    public Tensor slopes(Tensor z, Compared compared, Tensor weighted, int from) {
        return Divergence.slopesOf(compared.student(), weighted); // (n, V)
    }

    @Override
    public void close() {
        scope.close();
    }
}
