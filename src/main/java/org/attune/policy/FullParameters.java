package org.attune.policy;

import org.attune.files.SafeTensorsWriter;
import org.attune.model.Decoder;
import org.attune.model.FusedLinear;
import org.attune.model.RmsNorm;
import org.attune.model.Weight;
import org.attune.tensor.DType;
import org.attune.tensor.Tensor;
import org.attune.tensor.TensorScope;

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

    FullParameters(Decoder decoder) {
        var plan = new FlatParameters.Plan();
        var bindings = new ArrayList<Consumer<FlatParameters>>();
        try (var _ = scope.enter()) {
            embedding(decoder, plan, bindings);
            for (FusedLinear linear : decoder.linears()) {
                linear(linear, plan, bindings);
            }
            for (RmsNorm norm : decoder.norms()) {
                planned(plan, false, norm.weight(), bindings);
            }
            flat = new FlatParameters(scope, decoder.device(), plan.parameters(), true);
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

    private ParameterSpace.Parameter planned(
            FlatParameters.Plan plan,
            boolean decays,
            Weight weight,
            List<Consumer<FlatParameters>> bindings) {
        var p = planned(plan, weight.name(), decays, weight.base());
        bindings.add(f -> weight.trainBase(f.gradient(p)));
        return p;
    }

    private void embedding(
            Decoder decoder, FlatParameters.Plan plan, List<Consumer<FlatParameters>> bindings) {
        var e = planned(plan, true, decoder.embedding(), bindings);
        Weight output = decoder.output().weight();
        if (decoder.config().tiesOutput()) {
            // One tensor, so one gradient: the sum of both uses.
            bindings.add(f -> output.trainBase(f.gradient(e)));
        } else {
            planned(plan, true, output, bindings);
        }
        decoder.output().bias().ifPresent(b -> planned(plan, false, b, bindings));
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

    /// The masters as tensors to write, in `dtype`.
    List<SafeTensorsWriter.Source> sources(DType dtype) {
        var sources = new ArrayList<SafeTensorsWriter.Source>();
        for (var p : flat.parameters()) {
            sources.add(TensorBytes.source(p.name(), dtype, p.shape(), () -> flat.value(p)));
        }
        return sources;
    }

    @Override
    public void close() {
        scope.close();
    }
}
