package org.attune.rollout.generation;

import org.attune.error.StopRequest;
import org.attune.model.decode.CachedDecoder;
import org.attune.model.decode.KvCache;
import org.attune.rollout.SampledCompletion;
import org.attune.rollout.StopReason;
import org.attune.rollout.TokenListener;
import org.attune.rollout.generation.SequenceListener.Next;
import org.attune.rollout.sampling.SamplingConfig;
import org.attune.rollout.sampling.Sequence;
import org.attune.rollout.sampling.TokenConstraint;
import org.attune.text.Tokenizer;

import java.util.List;
import java.util.Optional;

/// One call of [Generator]: all prompts come at once, and completions are collected.
final class GenerationRun {
    private final Lane lane;
    private final KvCache cache;
    private final Optional<Tokenizer> tokenizer;
    private final SamplingConfig config;
    private final TokenListener listener;
    private final long start = System.nanoTime();
    private SampledCompletion[] completions = {};

    GenerationRun(
            CachedDecoder decoder,
            KvCache cache,
            Optional<Tokenizer> tokenizer,
            SamplingConfig config,
            TokenListener listener) {
        lane = new Lane(decoder);
        this.cache = cache;
        this.tokenizer = tokenizer;
        this.config = config;
        this.listener = listener;
    }

    List<SampledCompletion> complete(List<int[]> prompts) {
        completions = new SampledCompletion[prompts.size()];
        var batch = new GenerationBatch(cache, true);
        for (int i = 0; i < prompts.size(); i++) {
            batch.add(new LiveSequence(sequence(i, prompts.get(i)), lane, new Events(i), start));
        }
        while (batch.isBusy()) {
            StopRequest.check();
            batch.step();
        }
        return List.of(completions);
    }

    private Sequence sequence(int index, int[] prompt) {
        int longest = GenerationBatch.longest(cache, prompt.length, config.maxNewTokens());
        return new Sequence(index, prompt, longest, config, tokenizer, TokenConstraint.NONE);
    }

    /// Passes on what happens to one sequence. An error ends the call.
    private final class Events implements SequenceEvents {
        private final int index;

        Events(int index) {
            this.index = index;
        }

        @Override
        public Next sampled(int id, float logProb) {
            return listener.sampled(index, id, logProb) ? Next.GO_ON : Next.END;
        }

        @Override
        public Next stopped(StopReason reason) {
            return Next.END;
        }

        @Override
        public void paused() {
            throw new IllegalStateException("a sequence of a list can't pause");
        }

        @Override
        public void ended(SampledCompletion completion) {
            completions[index] = completion;
            listener.finished(index, completion);
        }

        @Override
        public void failed(RuntimeException error) {
            throw error;
        }
    }
}
