package org.attune.policy;

import org.attune.error.ModelException;
import org.attune.files.safetensors.SafeTensorsWriter;
import org.attune.model.layer.Decoder;
import org.attune.model.layer.FusedLinear;
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
    private final Optional<AdapterParameters> adapter;

    /// @param adapter empty for the base model alone
    MergedWeights(Decoder decoder, Optional<AdapterParameters> adapter) {
        this.decoder = decoder;
        this.adapter = adapter;
    }

    /// Whether a tied embedding and output layer are no longer equal with the adapter.
    boolean unties() {
        return decoder.config().tiesOutput()
                && adapter.isPresent()
                && (adapter.get().adaptsOutput()
                        || !adapter.get()
                                .tables()
                                .of(decoder.embedding())
                                .equals(adapter.get().tables().of(decoder.output().weight()))
                        || !adapter.get()
                                .trainedWhole(decoder.embedding())
                                .equals(adapter.get().trainedWhole(decoder.output().weight())));
    }

    /// All weights as the family's files have them.
    ///
    /// @throws ModelException if the adapter is no change of weights
    List<SafeTensorsWriter.Source> sources(DType dtype) {
        return decoder.stored(modules(dtype));
    }

    /// All weights by module, experts one by one.
    ///
    /// @throws ModelException if the adapter is no change of weights
    List<SafeTensorsWriter.Source> modules(DType dtype) {
        if (adapter.flatMap(AdapterParameters::prompt).isPresent()) {
            throw new ModelException(
                    "the adapter is %s: it changes no weight, so there is nothing to merge; use model and adapter together"
                            .formatted(adapter.get().config().described()));
        }
        var sources = new ArrayList<SafeTensorsWriter.Source>();
        sources.add(source(decoder.embedding(), dtype));
        decoder.input().positions().ifPresent(p -> sources.add(source(p, dtype)));
        for (FusedLinear linear : decoder.linears()) {
            for (int i = 0; i < linear.parts().size(); i++) {
                int part = i;
                FusedLinear.Part p = linear.parts().get(i);
                long[] shape = {p.out(), linear.in()};
                Supplier<Tensor> merged = merged(linear, part);
                String weight = p.path() + ".weight";
                sources.add(
                        decoder.config().names().transposed()
                                ? TensorBytes.transposed(weight, dtype, shape, merged)
                                : TensorBytes.source(weight, dtype, shape, merged));
                requireBias(p);
                if (p.hasBias()) {
                    long[] biases = {p.out()};
                    String name = p.path() + ".bias";
                    sources.add(TensorBytes.source(name, dtype, biases, () -> bias(linear, part)));
                }
            }
        }
        decoder.norms().stream()
                .flatMap(n -> n.weights().stream())
                .forEach(w -> sources.add(source(w, dtype)));
        decoder.others().forEach(w -> sources.add(source(w, dtype)));
        decoder.blocks().stream()
                .flatMap(block -> block.buffers().stream())
                .forEach(w -> sources.add(source(w, w.base().dtype())));
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
        return adapter.flatMap(a -> value(a, weight)).orElse(weight.base());
    }

    private static Optional<Tensor> value(AdapterParameters a, Weight weight) {
        return a.tables()
                .of(weight)
                .map(AdaptedTable::merged)
                .or(() -> a.trainedWhole(weight).map(p -> a.parameters().value(p)));
    }

    /// An update with a bias can't be merged into a layer that has none.
    private void requireBias(FusedLinear.Part part) {
        if (!part.hasBias() && module(part.path()).filter(AdaptedModule::needsBias).isPresent()) {
            throw new ModelException(
                    ("the adapter's update of %s has a bias (lora_bias: true), the model's layer"
                         + " has none: it can't be merged; use model and adapter together")
                            .formatted(part.path()));
        }
    }

    /// The weight of a linear module of a block, its update added in float32 and rounded once.
    private Supplier<Tensor> merged(FusedLinear linear, int part) {
        return () -> {
            Tensor weight = decoder.weight(linear, part);
            return adapter.filter(a -> a.adapts(linear, part))
                    .map(a -> a.merged(linear, part, weight.to(DType.FLOAT32)))
                    .orElse(weight);
        };
    }

    /// The weight of a linear module, its update added in float32 and rounded once.
    private Supplier<Tensor> merged(String path, Supplier<Tensor> weight) {
        return () ->
                module(path).map(m -> m.merged(weight.get().to(DType.FLOAT32))).orElseGet(weight);
    }

    private Tensor bias(FusedLinear linear, int part) {
        Tensor own =
                adapter.flatMap(a -> a.trainedBias(linear, part))
                        .orElseGet(() -> linear.bias(part));
        return module(linear.parts().get(part).path())
                .map(m -> m.mergedBias(own.to(DType.FLOAT32)))
                .orElse(own);
    }

    private Optional<AdaptedModule> module(String path) {
        return adapter.flatMap(a -> a.module(path));
    }
}
