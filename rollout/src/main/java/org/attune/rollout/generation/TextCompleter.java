package org.attune.rollout.generation;

import static org.attune.api.Api.Status.EXPERIMENTAL;

import org.attune.api.Api;
import org.attune.model.decode.KvCache;
import org.attune.model.source.ModelSource;
import org.attune.rollout.SampledCompletion;
import org.attune.rollout.sampling.SamplingConfig;
import org.attune.text.Tokenizer;

import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;

/// Completes prompts and gives out text. Borrows its parts; may be called from any thread.
@Api(EXPERIMENTAL)
public final class TextCompleter {
    private final Generator generator;
    private final Tokenizer tokenizer;

    public TextCompleter(Generator generator, Tokenizer tokenizer) {
        this.generator = generator;
        this.tokenizer = tokenizer;
    }

    /// Tokens that end a completion of this model: those of `generation_config.json`, of its
    /// configuration and of its tokenizer.
    public static Set<Integer> stopIds(ModelSource model, Tokenizer tokenizer) {
        Set<Integer> ids = new LinkedHashSet<>(model.generation().eosIds());
        ids.addAll(model.config().special().eos());
        tokenizer.eosId().ifPresent(ids::add);
        return ids;
    }

    public Generator generator() {
        return generator;
    }

    public Tokenizer tokenizer() {
        return tokenizer;
    }

    /// Completes each prompt.
    ///
    /// @param prompts token ids
    public List<TextCompletion> complete(List<int[]> prompts, SamplingConfig config) {
        return complete(prompts, config, SequenceListener.NONE);
    }

    /// Completes each prompt and reports to a listener on the way.
    ///
    /// @param listener hears how it goes on
    public List<TextCompletion> complete(
            List<int[]> prompts, SamplingConfig config, SequenceListener listener) {
        List<SampledCompletion> sampled = generator.generate(prompts, config, listener);
        return sampled.stream().map(this::decoded).toList();
    }

    /// Completes one prompt and gives out its text as it is generated.
    ///
    /// @param receiver gets pieces of text, never half a character or stop string, on the engine
    ///     thread
    public TextCompletion stream(int[] prompt, SamplingConfig config, Consumer<String> receiver) {
        var text = new Streamed(config, receiver, () -> true);
        return text.finish(generator.generate(List.of(prompt), config, text));
    }

    /// Completes one prompt over a cache that the caller owns, and gives out its text as it is
    /// generated.
    ///
    /// @param goesOn asked after each token
    TextCompletion stream(
            KvCache cache,
            int[] prompt,
            SamplingConfig config,
            Consumer<String> receiver,
            BooleanSupplier goesOn) {
        var text = new Streamed(config, receiver, goesOn);
        return text.finish(generator.generate(cache, List.of(prompt), config, text));
    }

    private TextCompletion decoded(SampledCompletion sampled) {
        return new TextCompletion(tokenizer.decode(sampled.ids(), true), sampled);
    }

    /// Text of one sequence on its way to the receiver.
    private final class Streamed implements SequenceListener {
        private final Tokenizer.StreamDecoder decoder = tokenizer.streamDecoder(true);
        private final TextHold hold;
        private final StringBuilder text = new StringBuilder();
        private final Consumer<String> receiver;
        private final BooleanSupplier goesOn;

        Streamed(SamplingConfig config, Consumer<String> receiver, BooleanSupplier goesOn) {
            hold = new TextHold(config.stopStrings());
            this.receiver = receiver;
            this.goesOn = goesOn;
        }

        @Override
        public Next sampled(Ticket ticket, int id, float logProb) {
            give(hold.push(decoder.push(id)));
            return goesOn.getAsBoolean() ? Next.GO_ON : Next.END;
        }

        private void give(String piece) {
            if (!piece.isEmpty()) {
                text.append(piece);
                receiver.accept(piece);
            }
        }

        TextCompletion finish(List<SampledCompletion> sampled) {
            give(hold.push(decoder.flush()) + hold.rest());
            return new TextCompletion(text.toString(), sampled.getFirst());
        }
    }
}
