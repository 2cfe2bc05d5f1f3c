package org.attune.policy;

import org.attune.files.SafeTensorsWriter;
import org.attune.model.Decoder;
import org.attune.model.FusedLinear;
import org.attune.model.RmsNorm;
import org.attune.tensor.DType;
import org.attune.tensor.Tensor;
import org.attune.tensor.TensorScope;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;

/// All weights of a decoder as trained parameters: float32 masters, and the decoder's own weights
/// as compute copies.
final class FullParameters implements AutoCloseable {
    private final TensorScope scope = TensorScope.detached("weights");
    private final FlatParameters flat;
    private final Map<ParameterSpace.Parameter, Tensor> computed = new LinkedHashMap<>();
    private Tensor embeddingGradient;
    private Tensor headGradient;

    FullParameters(Decoder decoder) {
        var plan = new FlatParameters.Plan();
        var bindings = new ArrayList<Consumer<FlatParameters>>();
        try (var _ = scope.enter()) {
            embedding(decoder, plan, bindings);
            for (FusedLinear linear : decoder.linears()) {
                linear(linear, plan, bindings);
            }
            for (RmsNorm norm : decoder.norms()) {
                var p = planned(plan, norm.path() + ".weight", false, norm.weight());
                bindings.add(f -> norm.train(f.gradient(p)));
            }
            flat = new FlatParameters(scope, decoder.device(), plan.parameters());
            bindings.forEach(b -> b.accept(flat));
            try (var _ = TensorScope.open("weights")) {
                computed.forEach((p, weight) -> flat.value(p).copyInPlace(weight));
            }
        }
        flat.onChange(this::refresh);
    }

    private ParameterSpace.Parameter planned(
            FlatParameters.Plan plan, String name, boolean decays, Tensor weight) {
        var p = plan.add(name, decays, weight.shape());
        computed.put(p, weight);
        return p;
    }

    private void embedding(
            Decoder decoder, FlatParameters.Plan plan, List<Consumer<FlatParameters>> bindings) {
        var e = planned(plan, "model.embed_tokens.weight", true, decoder.embedding());
        bindings.add(f -> embeddingGradient = f.gradient(e));
        if (decoder.config().tieWordEmbeddings()) {
            // One tensor, so one gradient: the sum of both uses.
            bindings.add(f -> headGradient = f.gradient(e));
        } else {
            var h = planned(plan, "lm_head.weight", true, decoder.head());
            bindings.add(f -> headGradient = f.gradient(h));
        }
    }

    private void linear(
            FusedLinear linear, FlatParameters.Plan plan, List<Consumer<FlatParameters>> bindings) {
        int count = linear.parts().size();
        var weights = new ParameterSpace.Parameter[count];
        var biases = new ParameterSpace.Parameter[count];
        for (int i = 0; i < count; i++) {
            String path = linear.parts().get(i).path();
            weights[i] = planned(plan, path + ".weight", true, linear.weight(i));
            if (linear.bias(i) != null) {
                biases[i] = planned(plan, path + ".bias", false, linear.bias(i));
            }
        }
        bindings.add(
                f -> {
                    var w = new Tensor[count];
                    var b = new Tensor[count];
                    for (int i = 0; i < count; i++) {
                        w[i] = f.gradient(weights[i]);
                        b[i] = biases[i] == null ? null : f.gradient(biases[i]);
                    }
                    linear.trainBase(w, b);
                });
    }

    private void refresh() {
        try (var _ = TensorScope.open("weights")) {
            computed.forEach((p, weight) -> weight.copyInPlace(flat.value(p)));
        }
    }

    FlatParameters parameters() {
        return flat;
    }

    Tensor embeddingGradient() {
        return embeddingGradient;
    }

    Tensor headGradient() {
        return headGradient;
    }

    /// The masters as tensors to write, in `dtype`.
    List<SafeTensorsWriter.Source> sources(DType dtype) {
        var sources = new ArrayList<SafeTensorsWriter.Source>();
        for (var p : flat.parameters()) {
            sources.add(
                    new SafeTensorsWriter.Source(
                            p.name(), dtype, p.shape(), arena -> bytes(p, dtype, arena)));
        }
        return sources;
    }

    private MemorySegment bytes(ParameterSpace.Parameter p, DType dtype, Arena arena) {
        try (var _ = TensorScope.open("weights")) {
            return TensorBytes.copy(flat.value(p).to(dtype), arena);
        }
    }

    @Override
    public void close() {
        scope.close();
    }
}
