package org.attune.policy;

import org.apache.commons.rng.UniformRandomProvider;
import org.attune.adapter.AdapterFolder;
import org.attune.adapter.LoraConfig;
import org.attune.adapter.LoraTarget;
import org.attune.files.SafeTensorsWriter;
import org.attune.model.Decoder;
import org.attune.model.DecoderRun;
import org.attune.model.Dropout;
import org.attune.model.FusedLinear;
import org.attune.model.Layout;
import org.attune.tensor.DType;
import org.attune.tensor.Tensor;
import org.attune.tensor.TensorScope;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Supplier;

/// A decoder that is trained, through a LoRA adapter or in all of its weights, and the references
/// that share its weights. Use it on the engine thread. The caller owns the decoder.
public final class Policy implements CausalPolicy {
    private final Decoder decoder;
    private final LoraParameters lora;
    private final FullParameters full;
    private Options options;
    private LoraParameters frozen;
    private long step;
    private int evaluations;

    /// How passes run.
    ///
    /// @param recompute whether blocks are computed again in the backward pass instead of being
    ///     kept
    /// @param dropout whether the adapter's own dropout applies in [#evaluate]
    /// @param dropoutSeed seed of that dropout, for the whole run
    /// @param plain whether blocks run in ordinary operators with autograd
    public record Options(boolean recompute, boolean dropout, long dropoutSeed, boolean plain) {
        public static Options defaults() {
            return new Options(false, true, 0, false);
        }
    }

    private Policy(Decoder decoder, LoraParameters lora, FullParameters full, Options options) {
        this.decoder = decoder;
        this.lora = lora;
        this.full = full;
        this.options = options;
    }

    /// Trains a fresh LoRA adapter.
    ///
    /// @param random source of the initial values
    public static Policy withFreshAdapter(
            Decoder decoder, LoraConfig config, UniformRandomProvider random, Options options) {
        return new Policy(decoder, LoraParameters.fresh(decoder, config, random), null, options);
    }

    /// Trains on from an adapter in a PEFT folder.
    public static Policy withAdapter(Decoder decoder, AdapterFolder folder, Options options) {
        return new Policy(decoder, LoraParameters.load(decoder, folder, false), null, options);
    }

    /// Trains all weights.
    public static Policy withAllWeights(Decoder decoder, Options options) {
        return new Policy(decoder, null, new FullParameters(decoder), options);
    }

    public Decoder decoder() {
        return decoder;
    }

    /// The adapter's configuration, or empty if all weights are trained.
    public Optional<LoraConfig> adapter() {
        return lora == null ? Optional.empty() : Optional.of(lora.config());
    }

    /// Changes how later passes run.
    public void setOptions(Options changed) {
        options = changed;
    }

    @Override
    public Evaluation evaluate(TokenForest forest, HeadRequest request) {
        var keep = options.recompute() ? DecoderRun.Keep.INPUTS : DecoderRun.Keep.ALL;
        return new PolicyEvaluation(this, forest, request, runOptions(keep));
    }

    private DecoderRun.Options runOptions(DecoderRun.Keep keep) {
        return new DecoderRun.Options(keep, dropout(), options.plain());
    }

    /// Every evaluation of a step drops others; a resumed run drops the same as one that never
    /// stopped.
    private Dropout dropout() {
        if (lora == null || !options.dropout()) {
            return Dropout.NONE;
        }
        long seed = (options.dropoutSeed() * 1_000_003 + step) * 1_000_003 + evaluations++;
        return new Dropout(lora.config().dropout(), seed);
    }

    @Override
    public void startStep(long number) {
        step = number;
        evaluations = 0;
    }

    @Override
    public Measurement measure(TokenForest forest, HeadRequest request) {
        return measure(decoder, adapterInUse(), forest, request);
    }

    private FusedLinear.Adapter adapterInUse() {
        return lora == null ? FusedLinear.Adapter.OFF : FusedLinear.Adapter.TRAINED;
    }

    private static Measurement measure(
            Decoder decoder, FusedLinear.Adapter adapter, TokenForest forest, HeadRequest request) {
        var options = DecoderRun.Options.of(DecoderRun.Keep.NOTHING);
        try (var run = new DecoderRun(decoder, layout(forest), adapter, options);
                var head = new OutputHead(decoder, run.hidden(), forest, request, false, false)) {
            return head.measurement();
        }
    }

    /// The reference "same weights, adapter off".
    ///
    /// @throws IllegalStateException if all weights are trained
    public Scorer adapterOff() {
        if (lora == null) {
            throw new IllegalStateException("there is no adapter to switch off");
        }
        return (forest, request) -> measure(decoder, FusedLinear.Adapter.OFF, forest, request);
    }

    /// The reference "adapter as it is now": later training doesn't change it. One per policy; a
    /// second call replaces the first.
    public Scorer frozenAdapter() {
        if (lora == null) {
            throw new IllegalStateException("there is no adapter to take a snapshot of");
        }
        if (frozen != null) {
            frozen.close();
        }
        frozen = lora.snapshot();
        return (forest, request) -> measure(decoder, FusedLinear.Adapter.FROZEN, forest, request);
    }

    /// A separate frozen model as a reference.
    public static Scorer reference(Decoder decoder) {
        return (forest, request) -> measure(decoder, FusedLinear.Adapter.OFF, forest, request);
    }

    /// How the rows of a forest attend to each other.
    public static Layout layout(TokenForest forest) {
        var spans = new ArrayList<Layout.Span>();
        forest.segments().forEach(s -> spans.add(new Layout.Span(s.parent(), s.start(), s.end())));
        return new Layout(forest.tokens(), forest.positions(), spans);
    }

    @Override
    public FlatParameters parameters() {
        return lora != null ? lora.parameters() : full.parameters();
    }

    DecoderRun run(TokenForest forest, DecoderRun.Options runOptions) {
        var run = new DecoderRun(decoder, layout(forest), adapterInUse(), runOptions);
        if (full != null) {
            run.trainEmbedding(full.embeddingGradient());
        }
        return run;
    }

    boolean trainsHead() {
        return full != null;
    }

    Tensor headGradient() {
        return full == null ? null : full.headGradient();
    }

    /// Writes the adapter as PEFT does.
    ///
    /// @param baseModel `base_model_name_or_path`
    public void saveAdapter(Path folder, String baseModel) {
        lora.save(folder, baseModel);
    }

    /// All weights as they are now, with the adapter merged in, to write as a model.
    ///
    /// @param dtype of the file
    public List<SafeTensorsWriter.Source> weights(DType dtype) {
        return full != null ? full.sources(dtype) : merged(decoder, lora, dtype);
    }

    /// All weights of a decoder without an adapter, to write as a model.
    public static List<SafeTensorsWriter.Source> weights(Decoder decoder, DType dtype) {
        return merged(decoder, null, dtype);
    }

    private static List<SafeTensorsWriter.Source> merged(
            Decoder decoder, LoraParameters lora, DType dtype) {
        var sources = new ArrayList<SafeTensorsWriter.Source>();
        sources.add(source("model.embed_tokens.weight", decoder.embedding(), dtype));
        for (FusedLinear linear : decoder.linears()) {
            for (int i = 0; i < linear.parts().size(); i++) {
                sources.add(mergedSource(linear, i, lora, dtype));
                if (linear.parts().get(i).hasBias()) {
                    int part = i;
                    FusedLinear.Part p = linear.parts().get(i);
                    long[] shape = {p.out()};
                    sources.add(source(p.path() + ".bias", dtype, shape, () -> linear.bias(part)));
                }
            }
        }
        decoder.norms().forEach(n -> sources.add(source(n.path() + ".weight", n.weight(), dtype)));
        if (!decoder.config().tieWordEmbeddings()) {
            sources.add(source("lm_head.weight", decoder.head(), dtype));
        }
        return sources;
    }

    private static SafeTensorsWriter.Source source(String name, Tensor tensor, DType dtype) {
        return source(name, dtype, tensor.shape(), () -> tensor);
    }

    /// @param value computed when the file is written; what it makes is freed right after
    private static SafeTensorsWriter.Source source(
            String name, DType dtype, long[] shape, Supplier<Tensor> value) {
        return new SafeTensorsWriter.Source(
                name,
                dtype,
                shape,
                arena -> {
                    try (var _ = TensorScope.open("save")) {
                        return TensorBytes.copy(value.get().to(dtype), arena);
                    }
                });
    }

    private static SafeTensorsWriter.Source mergedSource(
            FusedLinear linear, int part, LoraParameters lora, DType dtype) {
        FusedLinear.Part p = linear.parts().get(part);
        Optional<LoraTarget> target =
                lora == null
                        ? Optional.empty()
                        : lora.targets().stream()
                                .filter(t -> t.path().equals(p.path()))
                                .findFirst();
        return source(
                p.path() + ".weight",
                dtype,
                new long[] {p.out(), linear.in()},
                () -> {
                    Tensor weight = linear.weight(part);
                    // Added in float32 and rounded once.
                    return target.isPresent()
                            ? weight.to(DType.FLOAT32).add(lora.update(target.get()))
                            : weight;
                });
    }

    @Override
    public void close() {
        if (lora != null) {
            lora.close();
        }
        if (frozen != null) {
            frozen.close();
        }
        if (full != null) {
            full.close();
        }
    }
}
