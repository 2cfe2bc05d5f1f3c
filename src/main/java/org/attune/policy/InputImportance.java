package org.attune.policy;

import org.attune.error.StopRequest;
import org.attune.model.layer.Adapter;
import org.attune.model.layer.Block;
import org.attune.model.layer.Decoder;
import org.attune.model.layer.FusedLinear;
import org.attune.model.pass.DecoderRun;
import org.attune.tensor.DType;
import org.attune.tensor.Tensor;
import org.attune.tensor.TensorScope;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/// How much errors in each column of a matrix count: the mean square of the input that the column
/// is multiplied by, over the tokens of some texts. If `Δ` is the matrix's error and inputs were
/// independent of each other, what it puts out has the error `Σ Δ² E[x²]`.
public final class InputImportance {
    private InputImportance() {}

    /// Reads texts.
    ///
    /// @param adapter in use
    /// @param texts   token ids; at least one has a token
    /// @return by module, as many numbers as columns; 1 on the mean
    public static Map<String, float[]> of(Decoder decoder, Adapter adapter, List<int[]> texts) {
        Map<FusedLinear, double[]> sums = new HashMap<>();
        try (var _ = TensorScope.open("importance")) {
            for (FusedLinear linear : decoder.linears()) {
                double[] sum = new double[linear.in()];
                sums.put(linear, sum);
                linear.observe(x -> add(x, sum));
            }
            for (int[] ids : texts) {
                StopRequest.check();
                pass(decoder, adapter, ids);
            }
        } finally {
            decoder.linears().forEach(linear -> linear.observe(_ -> {}));
        }
        Map<String, float[]> all = new HashMap<>();
        sums.forEach(
                (linear, sum) -> linear.parts().forEach(part -> all.put(part.path(), normed(sum))));
        return all;
    }

    /// Names of the weights whose inputs may be rounded: of the blocks' linear modules, but for
    /// those that choose experts.
    public static Set<String> matrices(Decoder decoder) {
        Set<String> all = new HashSet<>();
        for (Block block : decoder.blocks()) {
            var linears = new ArrayList<>(block.linears());
            block.feedForward().ifPresent(part -> linears.removeAll(part.few()));
            linears.forEach(l -> l.parts().forEach(p -> all.add(p.path() + ".weight")));
        }
        return all;
    }

    private static void pass(Decoder decoder, Adapter adapter, int[] ids) {
        var text = TokenForest.builder();
        text.root(ids);
        try (var _ = TensorScope.open("importance.text");
                var run =
                        new DecoderRun(
                                decoder,
                                Policy.layout(text.build()),
                                adapter,
                                DecoderRun.Options.forwardOnly())) {
            run.hidden();
        }
    }

    private static void add(Tensor x, double[] sum) {
        float[] values = x.to(DType.FLOAT32).toFloats(); // (N, in)
        for (int i = 0; i < values.length; i++) {
            sum[i % sum.length] += (double) values[i] * values[i];
        }
    }

    /// A column that was never multiplied by anything counts a little all the same.
    private static float[] normed(double[] sum) {
        double mean = 0;
        for (double s : sum) {
            mean += s / sum.length;
        }
        float[] result = new float[sum.length];
        for (int i = 0; i < sum.length; i++) {
            result[i] = mean > 0 ? (float) Math.max(sum[i] / mean, 1e-3) : 1;
        }
        return result;
    }
}
