package org.attune.policy;

import org.attune.files.safetensors.SafeTensorsWriter;
import org.attune.model.layer.Decoder;
import org.attune.model.layer.FusedLinear;
import org.attune.model.layer.OutputLayer;
import org.attune.model.layer.Weight;
import org.attune.tensor.DType;
import org.attune.tensor.Tensor;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Supplier;

/// A decoder's weights with an adapter merged in, to write as a model.
final class MergedWeights {
    private final Decoder decoder;
    private final Optional<LoraParameters> lora;

    /// @param lora empty for the base model alone
    MergedWeights(Decoder decoder, Optional<LoraParameters> lora) {
        this.decoder = decoder;
        this.lora = lora;
    }

    /// Whether a tied embedding and output layer are no longer equal with the adapter.
    boolean unties() {
        return decoder.config().tiesOutput()
                && lora.isPresent()
                && (lora.get().adapts(OutputLayer.PATH)
                        || !lora.get()
                                .trainedWhole(decoder.embedding())
                                .equals(lora.get().trainedWhole(decoder.output().weight())));
    }

    /// All weights under Hugging Face's names.
    List<SafeTensorsWriter.Source> sources(DType dtype) {
        var sources = new ArrayList<SafeTensorsWriter.Source>();
        sources.add(source(decoder.embedding(), dtype));
        decoder.input().positions().ifPresent(p -> sources.add(source(p, dtype)));
        for (FusedLinear linear : decoder.linears()) {
            for (int i = 0; i < linear.parts().size(); i++) {
                int part = i;
                FusedLinear.Part p = linear.parts().get(i);
                long[] shape = {p.out(), linear.in()};
                Supplier<Tensor> merged = merged(p.path(), () -> linear.weight(part));
                String weight = p.path() + ".weight";
                sources.add(
                        decoder.config().names().transposed()
                                ? TensorBytes.transposed(weight, dtype, shape, merged)
                                : TensorBytes.source(weight, dtype, shape, merged));
                if (p.hasBias()) {
                    long[] biases = {p.out()};
                    String name = p.path() + ".bias";
                    sources.add(TensorBytes.source(name, dtype, biases, () -> linear.bias(part)));
                }
            }
        }
        decoder.norms().stream()
                .flatMap(n -> n.weights().stream())
                .forEach(w -> sources.add(source(w, dtype)));
        if (!decoder.config().tiesOutput() || unties()) {
            Weight w = decoder.output().weight();
            Supplier<Tensor> merged = merged(w.module(), () -> value(w));
            sources.add(TensorBytes.source(w.name(), dtype, w.base().shape(), merged));
        }
        decoder.output().bias().ifPresent(bias -> sources.add(source(bias, dtype)));
        return sources;
    }

    private SafeTensorsWriter.Source source(Weight weight, DType dtype) {
        long[] shape = weight.base().shape();
        return TensorBytes.source(weight.name(), dtype, shape, () -> value(weight));
    }

    private Tensor value(Weight weight) {
        return lora.flatMap(l -> l.trainedWhole(weight).map(p -> l.parameters().value(p)))
                .orElse(weight.base());
    }

    /// The weight of a linear module, its update added in float32 and rounded once.
    private Supplier<Tensor> merged(String path, Supplier<Tensor> weight) {
        return () ->
                lora.isPresent() && lora.get().adapts(path)
                        ? weight.get().to(DType.FLOAT32).add(lora.get().update(path))
                        : weight.get();
    }
}
