package org.attune.policy;

import org.apache.commons.rng.UniformRandomProvider;
import org.attune.adapter.PromptConfig;
import org.attune.adapter.formula.WeightFormula;
import org.attune.error.ConfigException;
import org.attune.files.safetensors.SafeTensorsWriter;
import org.attune.model.config.DecoderConfig;
import org.attune.model.layer.Adapter;
import org.attune.model.layer.Decoder;
import org.attune.model.layer.VirtualTokens;
import org.attune.tensor.Autograd;
import org.attune.tensor.DType;
import org.attune.tensor.Tensor;
import org.attune.tensor.TensorScope;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;

/// The virtual tokens of an adapter: trained tensors, and the table that passes read. It is made
/// when parameters change; the end of a backward pass makes it once more, recorded by autograd, and
/// takes the table's gradient back to them.
final class PromptTable {
    private static final String ENCODER = "prompt_encoder.";

    private final Decoder decoder;
    private final PromptConfig prompt;
    private final List<ParameterSpace.Parameter> parameters = new ArrayList<>();
    private FlatParameters flat;
    private Tensor table; // in the compute dtype
    private VirtualTokens tokens;

    /// @param prompt of which [AdapterFit] knows that it fits the decoder
    PromptTable(Decoder decoder, PromptConfig prompt, FlatParameters.Plan plan) {
        this.decoder = decoder;
        this.prompt = prompt;
        for (WeightFormula.Part part : parts()) {
            boolean whole = part.suffix().equals(PromptConfig.TABLE);
            String name = whole ? part.suffix() : ENCODER + part.suffix();
            parameters.add(plan.add(name, part.shape().length > 1, part.shape()));
        }
    }

    /// Whether passes with an adapter begin with keys and values that it gives.
    static boolean isPrefix(Decoder decoder, Adapter adapter) {
        return decoder.input().virtual(adapter).filter(VirtualTokens::isPrefix).isPresent();
    }

    /// @throws ConfigException if an adapter can't be trained with these options
    static void requireFits(Decoder decoder, Adapter adapter, Policy.Options options) {
        boolean noisy = options.noise() > 0 && decoder.input().virtual(adapter).isPresent();
        if (noisy || options.routerLoss() > 0 && isPrefix(decoder, adapter)) {
            throw ConfigException.about(
                    noisy ? "neftune_noise_alpha" : "router_aux_loss_coef",
                    "%s; accepted with virtual tokens before every sequence: %s"
                            .formatted(
                                    noisy ? options.noise() : options.routerLoss(),
                                    noisy ? "null" : "0, as routers read no token of a prefix"));
        }
    }

    /// Numbers of a token.
    static long width(DecoderConfig model, PromptConfig prompt) {
        return prompt.isPrefix()
                ? 2L * model.layers() * model.kvHeads() * model.headDim()
                : model.hiddenSize();
    }

    private WeightFormula.Base base() {
        return new WeightFormula.Base(
                prompt.tokens(),
                width(decoder.config(), prompt),
                () -> {
                    throw new IllegalStateException("a table is made of no weight");
                });
    }

    private List<WeightFormula.Part> parts() {
        return prompt.formula().parts(base().out(), base().in());
    }

    /// What passes with the adapter begin with; its memory is in the current scope.
    VirtualTokens made(FlatParameters values, Adapter role) {
        flat = values;
        table = Tensor.empty(decoder.device(), decoder.dtype(), base().out(), base().in());
        boolean learns = role.equals(Adapter.TRAINED);
        Optional<Consumer<Tensor>> learner = learns ? Optional.of(this::learn) : Optional.empty();
        tokens =
                prompt.isPrefix()
                        ? VirtualTokens.prefix(decoder, table, learner)
                        : VirtualTokens.vectors(decoder, table, learner);
        return tokens;
    }

    /// What was made last.
    VirtualTokens tokens() {
        return tokens;
    }

    /// Writes the values of a fresh adapter.
    void initialise(UniformRandomProvider random) {
        List<WeightFormula.Part> parts = parts();
        for (int i = 0; i < parts.size(); i++) {
            float[] values = parts.get(i).start().values(parts.get(i).shape(), random);
            flat.write(parameters.get(i), values);
        }
        if (!prompt.startsAt().isEmpty()) {
            embed(random);
        }
    }

    private void embed(UniformRandomProvider random) {
        int vocabulary = decoder.config().vocabSize();
        int[] ids = new int[prompt.tokens()];
        for (int i = 0; i < ids.length; i++) {
            int asked = prompt.startsAt().get(i % prompt.startsAt().size());
            ids[i] = asked < 0 ? random.nextInt(vocabulary) : asked;
        }
        boolean together = decoder.config().ends().scalesVectors();
        try (var _ = TensorScope.open("embed")) {
            Tensor rows =
                    decoder.embedding()
                            .base()
                            .indexSelect(0, Tensor.ofInts(decoder.device(), ids, ids.length))
                            .to(DType.FLOAT32)
                            .mul(together ? 1 : decoder.input().scale());
            flat.value(parameters.getFirst()).copyInPlace(rows);
        }
    }

    /// Brings what passes read up to date.
    void refresh() {
        table.copyInPlace(made());
    }

    private Tensor made() {
        return prompt.formula().delta(base(), parameters.stream().map(flat::value).toList());
    }

    /// @param gradient of the table, float32
    private void learn(Tensor gradient) {
        List<Tensor> leaves = new ArrayList<>();
        parameters.forEach(p -> leaves.add(flat.value(p).detach().requireGradient(true)));
        try (var _ = Autograd.enabled()) {
            prompt.formula().delta(base(), leaves).mul(gradient).sum().backward();
        }
        for (int i = 0; i < leaves.size(); i++) {
            flat.gradient(parameters.get(i)).addInPlace(leaves.get(i).gradient());
        }
    }

    /// The table for PEFT's files.
    SafeTensorsWriter.Source source() {
        return TensorBytes.source(
                PromptConfig.TABLE,
                DType.FLOAT32,
                new long[] {base().out(), base().in()},
                this::made);
    }
}
