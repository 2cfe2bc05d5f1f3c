package org.attune.rollout.generation;

import org.attune.error.StopRequest;
import org.attune.model.decode.CachedDecoder;
import org.attune.model.decode.CachedDecoder.NewTokens;
import org.attune.model.decode.KvCache;
import org.attune.rollout.SampledCompletion;
import org.attune.rollout.StopReason;
import org.attune.rollout.TokenListener;
import org.attune.rollout.sampling.BatchSampler;
import org.attune.rollout.sampling.SamplingConfig;
import org.attune.rollout.sampling.Sequence;
import org.attune.tensor.Tensor;
import org.attune.tensor.TensorScope;
import org.attune.text.Tokenizer;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/// One call of [Generator]: prompts wait, sequences are active in the cache's first slots, and
/// completions are collected.
final class GenerationRun {
    private final CachedDecoder decoder;
    private final KvCache cache;
    private final Optional<Tokenizer> tokenizer;
    private final SamplingConfig config;
    private final TokenListener listener;
    private final BatchSampler sampler;
    private final long start = System.nanoTime();
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
        sampler = new BatchSampler(config);
    }

    List<SampledCompletion> complete(List<int[]> prompts) {
        completions = new SampledCompletion[prompts.size()];
        int waiting = 0;
        while (waiting < prompts.size() || !active.isEmpty()) {
            StopRequest.check();
            if (isLate()) {
                endAll(waiting);
                break;
            }
            try (var _ = TensorScope.open("token")) {
                if (waiting < prompts.size() && active.size() < cache.slots()) {
                    waiting = admit(prompts, waiting);
                } else {
                    step();
                }
            }
        }
        return List.of(completions);
    }

    private boolean isLate() {
        Duration passed = Duration.ofNanos(System.nanoTime() - start);
        return config.maxTime().map(most -> passed.compareTo(most) >= 0).orElse(false);
    }

    /// Ends everything as it is; what has not begun is empty.
    private void endAll(int waiting) {
        for (Sequence sequence : active) {
            end(sequence.index(), sequence.completion(StopReason.DEADLINE));
        }
        active.clear();
        for (int i = waiting; i < completions.length; i++) {
            end(i, new SampledCompletion(new int[0], new float[0], StopReason.DEADLINE));
        }
    }

    private void end(int index, SampledCompletion completion) {
        completions[index] = completion;
        listener.finished(index, completion);
    }

    /// Reads the next prompts and samples the first token of each.
    ///
    /// @return the prompt that waits now
    private int admit(List<int[]> prompts, int waiting) {
        AdmissionPlan plan =
                AdmissionPlan.of(
                        prompts,
                        waiting,
                        cache.slots() - active.size(),
                        prompt -> shared(prompt, fullest(prompt)));
        int firstSlot = active.size();
        List<NewTokens> unread = new ArrayList<>();
        for (AdmissionPlan.Group group : plan.groups()) {
            int slot = firstSlot + group.first() - waiting;
            unread.add(new NewTokens(slot, unread(slot, prompts.get(group.first()))));
        }
        Tensor logits = decoder.read(cache, unread); // (groups, V)
        long[] rows = new long[plan.size()];
        for (int g = 0; g < plan.groups().size(); g++) {
            AdmissionPlan.Group group = plan.groups().get(g);
            int slot = firstSlot + group.first() - waiting;
            cache.copy(slot, slot + 1, group.size() - 1, cache.length(slot));
            for (int i = group.first(); i < group.first() + group.size(); i++) {
                active.add(sequence(i, prompts.get(i)));
                rows[i - waiting] = g;
            }
        }
        if (rows.length > plan.groups().size()) {
            logits = logits.indexSelect(0, Tensor.of(logits.device(), rows, rows.length));
        }
        sample(logits, firstSlot);
        return waiting + plan.size();
    }

    private Sequence sequence(int index, int[] prompt) {
        Tokenizer.StreamDecoder text =
                config.stopStrings().isEmpty()
                        ? null
                        : tokenizer.orElseThrow().streamDecoder(false);
        // The last token need not fit into the cache: it is not read any more.
        int longest = Math.min(prompt.length + config.maxNewTokens(), cache.capacity() + 1);
        return new Sequence(index, prompt, longest, config, text);
    }

    /// Makes the slot begin with what any slot shares with the prompt.
    ///
    /// @return the tokens left to read; at least the last is, for its logits
    private int[] unread(int slot, int[] prompt) {
        int from = fullest(prompt);
        int known = shared(prompt, from);
        cache.copy(known > 0 ? from : slot, slot, known);
        return Arrays.copyOfRange(prompt, known, prompt.length);
    }

    /// The slot that shares most with the prompt.
    private int fullest(int[] prompt) {
        int best = 0;
        for (int slot = 1; slot < cache.slots(); slot++) {
            if (cache.commonPrefix(slot, prompt) > cache.commonPrefix(best, prompt)) {
                best = slot;
            }
        }
        return best;
    }

    private int shared(int[] prompt, int slot) {
        return decoder.mayShare()
                ? Math.min(cache.commonPrefix(slot, prompt), prompt.length - 1)
                : 0;
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
        List<Sequence> rows = List.copyOf(active.subList(firstSlot, active.size()));
        BatchSampler.Sampled sampled = sampler.sample(logits, rows);
        // From the back, since a sequence that ends gives its slot to the last one.
        for (int row = rows.size() - 1; row >= 0; row--) {
            Sequence sequence = rows.get(row);
            if (!sampled.top().isEmpty()) {
                sequence.report(sampled.top().get(row));
            }
            StopReason reason =
                    sequence.append(sampled.ids()[row], sampled.logProbs()[row], listener);
            if (reason != null) {
                end(sequence.index(), sequence.completion(reason));
                decoder.finished(cache, firstSlot + row);
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
