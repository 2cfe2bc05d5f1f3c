package org.attune.rollout.generation;

import org.attune.error.RolloutException;
import org.attune.model.decode.CachedDecoder;
import org.attune.model.decode.KvCache;
import org.attune.rollout.SampledCompletion;
import org.attune.rollout.SampledTurn;
import org.attune.rollout.StopReason;
import org.attune.rollout.TurnSampler;
import org.attune.rollout.generation.SequenceListener.Next;
import org.attune.rollout.sampling.SamplingConfig;
import org.attune.rollout.sampling.Sequence;
import org.attune.rollout.sampling.TokenConstraint;
import org.attune.text.Tokenizer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;

/// Samples turns by a model in this process. A sequence keeps its keys and values between turns, so
/// a turn costs its new tokens; if others need the place they are computed again. Owns its cache,
/// which is made with the first step; on the engine thread.
///
/// Where no sequence goes on, its numbers are those of [Generator], bit by bit. Else rounding may
/// differ, as prompts are found in the cache longer.
public final class TurnGenerator implements TurnSampler, AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(TurnGenerator.class);

    /// Steps for which a sequence keeps its place between two turns though others wait for one. A
    /// row that is empty for so long costs less than reading a sequence again.
    private static final int PATIENCE = 16;

    private final Lane lane;
    private final Optional<Tokenizer> tokenizer;
    private final SamplingConfig config;
    private final int slots;
    private final int mostTokens;
    private final boolean mayGoOn;
    private final Map<Integer, Turns> sequences = new HashMap<>();
    private final List<SampledTurn> ended = new ArrayList<>(); // not told yet
    private final List<LiveSequence> early = new ArrayList<>(); // before there is a cache
    private int longestPrompt;
    private KvCache cache;
    private GenerationBatch batch;

    /// @param mostTokens of a sequence after its prompt
    /// @param mayGoOn whether sequences may have more than one turn
    TurnGenerator(
            CachedDecoder decoder,
            Optional<Tokenizer> tokenizer,
            SamplingConfig config,
            int slots,
            int longestPrompt,
            int mostTokens,
            boolean mayGoOn) {
        lane = new Lane(decoder);
        this.tokenizer = tokenizer;
        this.config = config;
        this.slots = slots;
        this.longestPrompt = longestPrompt;
        this.mostTokens = mostTokens;
        this.mayGoOn = mayGoOn;
    }

    @Override
    public int slots() {
        return slots;
    }

    /// Tokens that passes have read so far. Those that sequences have beyond are the last of each,
    /// and what was taken over from others.
    public long tokensRead() {
        return batch == null ? 0 : batch.tokensRead();
    }

    @Override
    public void begin(int sequence, int[] prompt, int most, int drawn) {
        if (prompt.length == 0) {
            throw new RolloutException(
                    "prompt " + sequence + " has no tokens; accepted: 1 or more");
        }
        Turns before = sequences.get(sequence);
        int longest =
                drawn > 0 && before != null
                        ? before.longest
                        : Math.addExact(prompt.length, mostTokens);
        end(sequence);
        var tokens =
                new Sequence(
                        sequence, prompt, longest, config, tokenizer, TokenConstraint.NONE, drawn);
        var turns = new Turns(sequence, longest);
        turns.live = new LiveSequence(tokens, lane, turns, System.nanoTime());
        turns.begin(most);
        sequences.put(sequence, turns);
        if (longest - mostTokens > longestPrompt) {
            longestPrompt = longest - mostTokens;
            grow();
        }
        if (batch == null) {
            early.add(turns.live);
        } else {
            batch.add(turns.live);
        }
    }

    private int capacity() {
        return Math.max(1, longestPrompt + mostTokens - 1); // the last token is not read any more
    }

    /// Takes a larger cache, if there is one.
    private void grow() {
        if (cache != null) {
            LOG.info(
                    "a prompt of {} tokens is longer than those before, so sequences under way are"
                            + " read again into a larger cache",
                    longestPrompt);
            cache.close();
            cache = lane.decoder().newCache(slots, capacity());
            batch.moveTo(cache);
        }
    }

    @Override
    public void goOn(int sequence, int[] observed, int most) {
        if (!mayGoOn) {
            throw new IllegalStateException("these sequences have one turn only");
        }
        Turns turns = sequences.get(sequence);
        turns.begin(most);
        batch.goOn(turns.live, observed);
    }

    @Override
    public void cut(int sequence) {
        Turns turns = sequences.get(sequence);
        if (turns == null || turns.told) {
            return;
        }
        turns.why = StopReason.DEADLINE;
        if (batch == null) {
            early.remove(turns.live);
            turns.paused();
        } else if (!mayGoOn) {
            batch.cancel(turns.live);
        } else {
            batch.pauseNow(turns.live);
        }
    }

    @Override
    public void end(int sequence) {
        Turns turns = sequences.remove(sequence);
        if (turns == null) {
            return;
        }
        turns.told = true;
        if (batch == null) {
            early.remove(turns.live);
        } else {
            batch.cancel(turns.live);
        }
    }

    @Override
    public boolean isBusy() {
        return !ended.isEmpty() || !early.isEmpty() || batch != null && batch.isBusy();
    }

    @Override
    public void step(Consumer<SampledTurn> told) {
        if (batch == null && !early.isEmpty()) {
            cache = lane.decoder().newCache(slots, capacity());
            batch = new GenerationBatch(cache, !mayGoOn, true, PATIENCE);
            early.forEach(batch::add);
            early.clear();
        }
        if (batch != null) {
            batch.step();
        }
        List.copyOf(ended).forEach(told);
        ended.clear();
    }

    @Override
    public void close() {
        if (cache != null) {
            cache.close();
        }
    }

    /// The turns of one sequence.
    private final class Turns implements SequenceEvents {
        private final int sequence;
        private final int longest; // tokens it may have, prompt included
        private LiveSequence live;
        private int most;
        private int[] ids = {};
        private float[] logProbs = {};
        private int length;
        private StopReason why = StopReason.MAX_TOKENS;
        private boolean told;

        Turns(int sequence, int longest) {
            this.sequence = sequence;
            this.longest = longest;
        }

        void begin(int tokens) {
            most = tokens;
            length = 0;
            why = StopReason.MAX_TOKENS;
            told = false;
        }

        private void tell(StopReason reason) {
            if (!told) {
                told = true;
                ended.add(
                        new SampledTurn(
                                sequence,
                                Arrays.copyOf(ids, length),
                                Arrays.copyOf(logProbs, length),
                                reason));
            }
        }

        @Override
        public Next sampled(int id, float logProb) {
            if (length == ids.length) {
                ids = Arrays.copyOf(ids, 2 * length + 16);
                logProbs = Arrays.copyOf(logProbs, 2 * length + 16);
            }
            ids[length] = id;
            logProbs[length++] = logProb;
            return length == most ? atEnd() : Next.GO_ON;
        }

        @Override
        public Next stopped(StopReason reason) {
            why = reason;
            return atEnd();
        }

        private Next atEnd() {
            return mayGoOn ? Next.PAUSE : Next.END;
        }

        @Override
        public void paused() {
            tell(why);
        }

        @Override
        public void ended(SampledCompletion completion) {
            tell(completion.reason() == StopReason.CANCELLED ? why : completion.reason());
        }

        @Override
        public void failed(RuntimeException error) {
            throw error;
        }
    }
}
