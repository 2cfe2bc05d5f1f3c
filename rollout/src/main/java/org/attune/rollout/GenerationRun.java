package org.attune.rollout;

import org.attune.model.CachedDecoder;
import org.attune.model.KvCache;
import org.attune.tensor.Tensor;
import org.attune.tensor.TensorScope;
import org.attune.text.Tokenizer;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/// One call of [Generator]: prompts wait, sequences are active in the cache's first slots, and
/// completions are collected.
final class GenerationRun {
    private final CachedDecoder decoder;
    private final KvCache cache;
    private final Optional<Tokenizer> tokenizer;
    private final SamplingConfig config;
    private final TokenListener listener;
    private final Sampler sampler;
    private final Draws draws;
    private final List<Sequence> active = new ArrayList<>(); // index = slot
    private SampledCompletion[] completions = {};

    GenerationRun(
            CachedDecoder decoder,
            KvCache cache,
            Optional<Tokenizer> tokenizer,
            SamplingConfig config,
            TokenListener listener) {
        this.decoder = decoder;
        this.cache = cache;
        this.tokenizer = tokenizer;
        this.config = config;
        this.listener = listener;
        sampler = new Sampler(config.distribution());
        draws = new Draws(config.seed());
    }

    List<SampledCompletion> complete(List<int[]> prompts) {
        completions = new SampledCompletion[prompts.size()];
        int waiting = 0;
        while (waiting < prompts.size() || !active.isEmpty()) {
            try (var _ = TensorScope.open("token")) {
                if (waiting < prompts.size() && active.size() < cache.slots()) {
                    admit(waiting, prompts.get(waiting));
                    waiting++;
                } else {
                    step();
                }
            }
        }
        return List.of(completions);
    }

    /// Reads a prompt into the first free slot and samples its first token.
    private void admit(int index, int[] prompt) {
        int slot = active.size();
        int known = reuse(slot, prompt);
        Tensor logits =
                decoder.prefill(cache, slot, Arrays.copyOfRange(prompt, known, prompt.length));
        Tokenizer.StreamDecoder text =
                config.stopStrings().isEmpty()
                        ? null
                        : tokenizer.orElseThrow().streamDecoder(false);
        // The last token need not fit into the cache: it is not read any more.
        int longest = Math.min(prompt.length + config.maxNewTokens(), cache.capacity() + 1);
        active.add(new Sequence(index, prompt, longest, config, text));
        sample(logits, slot);
    }

    /// Makes the slot begin with what any slot shares with the prompt.
    ///
    /// @return tokens that need not be read; at least the last is, for its logits
    private int reuse(int slot, int[] prompt) {
        int best = slot;
        int most = 0;
        if (decoder.mayShare()) {
            for (int s = 0; s < cache.slots(); s++) {
                int common = Math.min(cache.commonPrefix(s, prompt), prompt.length - 1);
                if (common > most) {
                    best = s;
                    most = common;
                }
            }
        }
        cache.copy(best, slot, most);
        return most;
    }

    /// One more token for all active sequences.
    private void step() {
        int[] last = active.stream().mapToInt(Sequence::last).toArray();
        sample(decoder.decode(cache, last), 0);
    }

    /// Samples a token for each row of logits.
    ///
    /// @param logits `(B, V)` of the slots from `firstSlot` on
    private void sample(Tensor logits, int firstSlot) {
        int rows = Math.toIntExact(logits.size(0));
        int vocabulary = Math.toIntExact(logits.size(1));
        float[] values = logits.toFloats();
        float[] first = logits.logSoftmax(Tensor.LAST).narrow(1, 0, 1).toFloats(); // (B)
        // From the back, since a sequence that ends gives its slot to the last one.
        for (int row = rows - 1; row >= 0; row--) {
            Sequence sequence = active.get(firstSlot + row);
            float[] own = Arrays.copyOfRange(values, row * vocabulary, (row + 1) * vocabulary);
            float logSumExp = own[0] - first[row];
            boolean mayStop = sequence.generated() >= config.minNewTokens();
            Set<Integer> banned = mayStop ? Set.of() : config.stopIds();
            double uniform = draws.uniform(sequence.index(), sequence.generated());
            int id = sampler.choose(own, sequence, banned, uniform);
            float logProb = values[row * vocabulary + id] - logSumExp;
            StopReason reason = sequence.append(id, logProb, listener);
            if (reason != null) {
                SampledCompletion completion = sequence.completion(reason);
                completions[sequence.index()] = completion;
                listener.finished(sequence.index(), completion);
                free(firstSlot + row);
            }
        }
    }

    private void free(int slot) {
        int last = active.size() - 1;
        if (slot < last) {
            active.set(slot, active.get(last));
            cache.copy(last, slot, cache.length(last));
        }
        active.removeLast();
    }
}
