package org.attune.rollout.generation;

import org.attune.model.layer.Adapter;
import org.attune.rollout.SampledCompletion;
import org.attune.rollout.SampledTurn;
import org.attune.rollout.StopReason;
import org.attune.rollout.TurnSampler;
import org.attune.rollout.generation.SequenceListener.Next;
import org.attune.rollout.sampling.SamplingConfig;
import org.attune.rollout.sampling.TokenConstraint;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Supplier;

/// Samples turns by a model in this process: a sequence of a [GenerationLoop] pauses where a turn
/// ends. It keeps its keys and values between turns, so a turn costs its new tokens; if others need
/// the place they are computed again. Owns the loop; on the engine thread.
///
/// Where no sequence goes on, its numbers are those of [Generator], bit by bit. Else rounding may
/// differ, as prompts are found in the cache longer.
public final class TurnGenerator implements TurnSampler, AutoCloseable {
    private final GenerationLoop loop;
    private final Adapter adapter;
    private final Supplier<TokenConstraint> constraint;
    private final SamplingConfig config;
    private final int slots;
    private final int mostTokens;
    private final boolean mayGoOn;
    private final Map<Integer, Turns> sequences = new HashMap<>();
    private final List<SampledTurn> ended = new ArrayList<>(); // not told yet
    private Listener listener = _ -> {}; // of the step

    /// @param loop for sequences that pause, if they may
    /// @param constraint makes what a sequence follows, all its turns
    /// @param mostTokens of a sequence after its prompt
    /// @param mayGoOn whether sequences may have more than one turn
    TurnGenerator(
            GenerationLoop loop,
            Adapter adapter,
            Supplier<TokenConstraint> constraint,
            SamplingConfig config,
            int slots,
            int mostTokens,
            boolean mayGoOn) {
        this.loop = loop;
        this.adapter = adapter;
        this.constraint = constraint;
        this.config = config;
        this.slots = slots;
        this.mostTokens = mostTokens;
        this.mayGoOn = mayGoOn;
    }

    @Override
    public int slots() {
        return slots;
    }

    @Override
    public List<String> stopStrings() {
        return config.stopStrings();
    }

    /// Tokens that passes have read so far. Those that sequences have beyond are the last of each,
    /// and what was taken over from others.
    public long tokensRead() {
        return loop.tokensRead();
    }

    @Override
    public void begin(int sequence, int[] prompt, int most, int drawn) {
        Turns before = sequences.get(sequence);
        int all = drawn > 0 && before != null ? before.longest - prompt.length : mostTokens;
        end(sequence);
        var turns = new Turns(sequence, prompt.length + all);
        turns.begin(0, most);
        turns.ticket =
                loop.submit(
                        new SequenceRequest(
                                prompt,
                                config,
                                all,
                                sequence,
                                drawn,
                                adapter,
                                constraint.get(),
                                Optional.empty()),
                        turns);
        sequences.put(sequence, turns);
    }

    @Override
    public void goOn(int sequence, int[] observed, int most) {
        if (!mayGoOn) {
            throw new IllegalStateException("these sequences have one turn only");
        }
        Turns turns = sequences.get(sequence);
        turns.begin(turns.ticket.sequence().generated() + observed.length, most);
        turns.ticket.goOn(observed);
    }

    @Override
    public void cut(int sequence) {
        Turns turns = sequences.get(sequence);
        if (turns == null || turns.told) {
            return;
        }
        turns.why = StopReason.DEADLINE;
        if (mayGoOn) {
            turns.ticket.pause();
        } else {
            turns.ticket.cancel();
        }
    }

    @Override
    public void leave(int sequence) {
        sequences.get(sequence).ticket.leave();
    }

    @Override
    public void end(int sequence) {
        Turns turns = sequences.remove(sequence);
        if (turns != null) {
            turns.told = true;
            turns.ticket.cancel();
        }
    }

    @Override
    public boolean isBusy() {
        return loop.isBusy() || !ended.isEmpty();
    }

    @Override
    public void step(Listener hearing) {
        listener = hearing;
        loop.step();
        List.copyOf(ended).forEach(hearing::ended);
        ended.clear();
    }

    @Override
    public void close() {
        loop.close();
    }

    /// The turns of one sequence.
    private final class Turns implements SequenceListener {
        private final int sequence;
        private final int longest; // tokens it may have, prompt included
        private Ticket ticket;
        private int most;
        private int from; // its first token
        private StopReason why = StopReason.MAX_TOKENS;
        private boolean told;

        Turns(int sequence, int longest) {
            this.sequence = sequence;
            this.longest = longest;
        }

        /// @param first place of its first token behind the prompt
        void begin(int first, int tokens) {
            from = first;
            most = tokens;
            why = StopReason.MAX_TOKENS;
            told = false;
        }

        private void tell(StopReason reason) {
            if (!told) {
                told = true;
                SampledCompletion all = ticket.sequence().completion(reason);
                ended.add(
                        new SampledTurn(
                                sequence,
                                Arrays.copyOfRange(all.ids(), from, all.ids().length),
                                Arrays.copyOfRange(all.logProbs(), from, all.ids().length),
                                reason));
            }
        }

        @Override
        public Next sampled(Ticket own, int id, float logProb) {
            listener.sampled(sequence, id);
            return own.sequence().generated() - from == most ? atEnd() : Next.GO_ON;
        }

        @Override
        public Next stopped(Ticket own, StopReason reason) {
            why = reason;
            return atEnd();
        }

        private Next atEnd() {
            return mayGoOn ? Next.PAUSE : Next.END;
        }

        @Override
        public void paused(Ticket own) {
            tell(why);
        }

        @Override
        public void ended(Ticket own, SampledCompletion completion) {
            tell(completion.reason() == StopReason.CANCELLED ? why : completion.reason());
        }
    }
}
