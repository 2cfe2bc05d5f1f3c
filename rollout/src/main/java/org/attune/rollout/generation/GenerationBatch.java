package org.attune.rollout.generation;

import org.attune.model.decode.CachedDecoder;
import org.attune.model.decode.CachedDecoder.NewTokens;
import org.attune.model.decode.KvCache;
import org.attune.rollout.StopReason;
import org.attune.rollout.generation.CacheSlots.Prompt;
import org.attune.rollout.generation.SequenceListener.Next;
import org.attune.rollout.generation.Ticket.State;
import org.attune.rollout.sampling.BatchSampler;
import org.attune.rollout.sampling.Sequence;
import org.attune.tensor.Tensor;
import org.attune.tensor.TensorScope;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.LongStream;

/// Sequences under way over one cache: they wait, get a token a step, or are paused. Each [#step]
/// is one pass: prompts are read while slots are free, else one lane's sequences get a token. Read
/// [#step], then [#admit], [#decode] and [#sample]. On the engine thread.
final class GenerationBatch {
    private final Seating seating;
    private KvCache cache; // null until there is one
    private CacheSlots slots;
    private final Roster roster = new Roster();
    private boolean decodesNext; // after a part of a long prompt was read
    private long tokensRead;
    private long steps;

    GenerationBatch(Seating seating) {
        this.seating = seating;
    }

    /// Goes on with another cache. What sequences under way had read is read again.
    ///
    /// @param other borrowed; the old one is the caller's to close
    void moveTo(KvCache other) {
        for (Ticket live : roster.all()) {
            live.moveTo(Ticket.NO_SLOT);
            if (live.state() == State.ACTIVE || live.state() == State.READING) {
                roster.move(live, State.WAITING);
            }
        }
        cache = other;
        slots = new CacheSlots(other, seating.isDense());
    }

    /// Tokens that passes have read so far.
    long tokensRead() {
        return tokensRead;
    }

    /// Passes so far.
    long steps() {
        return steps;
    }

    /// Lets a sequence wait for a slot.
    void add(Ticket live) {
        roster.add(live);
        constrain(live);
    }

    /// Whether there is something to do now.
    boolean isBusy() {
        return roster.isReading() || roster.isDecoding() || roster.isWaiting() && mayTakeSlot();
    }

    /// Whether a paused sequence may run out of time.
    boolean isPausedInTime() {
        return roster.isPausedInTime();
    }

    /// Ends what has run out of time, as it is; what has not begun is empty. Then reads a pass of
    /// prompts, or samples a token for each sequence of a lane.
    void step() {
        roster.late().forEach(live -> end(live, StopReason.DEADLINE));
        if (!isBusy()) {
            return;
        }
        steps++;
        boolean decodes = decodesNext && roster.isDecoding();
        decodesNext = false;
        List<Ticket> reading = roster.nextReading();
        try (var _ = TensorScope.open("token")) {
            if (decodes) {
                decode();
            } else if (!reading.isEmpty()) {
                readOn(reading);
            } else if (roster.isWaiting() && hasSlot()) {
                admit(roster.nextWaiting(slots.free()));
            } else {
                decode();
            }
        }
    }

    private boolean mayTakeSlot() {
        return cache == null || slots.free() > 0 || pausedForLong().isPresent();
    }

    private Optional<Ticket> pausedForLong() {
        return roster.pausedWithSlot()
                .filter(live -> steps - live.pausedAt() >= seating.patience());
    }

    /// Whether a prompt can be read: else a paused sequence gives up its slot, if there is one. It
    /// will be read again.
    private boolean hasSlot() {
        if (slots.free() == 0) {
            pausedForLong().ifPresent(this::releaseSlot);
        }
        return slots.free() > 0;
    }

    private void releaseSlot(Ticket live) {
        if (live.hasSlot()) {
            slots.release(live.slot());
            live.moveTo(Ticket.NO_SLOT);
        }
    }

    /// Reads the next prompts and samples the first token of each.
    private void admit(List<Ticket> next) {
        Lane lane = next.getFirst().lane();
        List<Prompt> prompts = next.stream().map(Prompt::of).toList();
        AdmissionPlan plan =
                AdmissionPlan.of(prompts, prompt -> slots.shared(lane, prompt), cache.mayCut())
                        .sorted(prompts);
        List<NewTokens> unread = new ArrayList<>();
        for (AdmissionPlan.Group group : plan.groups()) {
            NewTokens tokens = slots.take(lane, prompts.get(group.first()));
            if (!seating.readsWholePrompts() && lane.decoder().isTooLong(tokens)) {
                readPart(lane, tokens); // then this group is the only one
                return;
            }
            unread.add(tokens);
            tokensRead += tokens.ids().length;
            next.get(group.first()).moveTo(tokens.slot());
            for (Ticket other : others(group, next)) {
                other.moveTo(slots.take());
            }
        }
        Tensor logits =
                switch (seating) {
                    case LIST -> lane.decoder().read(cache, unread);
                    case TURNS -> lane.decoder().read(cache, unread, wouldBeFirst(lane, plan));
                    // A prompt whose beginning was known is rounded like one that was not.
                    case OPEN -> lane.decoder().read(cache, unread, false);
                };
        begin(lane, plan, next, logits);
    }

    /// Whether prompts of a dense batch would get the first slots, one each.
    private static boolean wouldBeFirst(Lane lane, AdmissionPlan plan) {
        List<AdmissionPlan.Group> groups = plan.groups();
        return lane.rows().isEmpty()
                && groups.subList(0, groups.size() - 1).stream().allMatch(g -> g.size() == 1);
    }

    private static List<Ticket> others(AdmissionPlan.Group group, List<Ticket> next) {
        return next.subList(group.first() + 1, group.first() + group.size());
    }

    /// Reads the beginning of a long prompt. It is found in the cache when the prompt's turn comes
    /// again, one token of the others later.
    private void readPart(Lane lane, NewTokens tokens) {
        lane.decoder().readChunk(cache, tokens);
        tokensRead += CachedDecoder.CHUNK;
        slots.release(tokens.slot());
        decodesNext = true;
    }

    /// @param logits of the plan's groups, `(groups, V)`
    private void begin(Lane lane, AdmissionPlan plan, List<Ticket> next, Tensor logits) {
        int first = lane.rows().size();
        long[] groups = new long[plan.size()];
        for (int g = 0; g < plan.groups().size(); g++) {
            AdmissionPlan.Group group = plan.groups().get(g);
            List<Ticket> others = others(group, next);
            slots.copy(next.get(group.first()).slot(), others.stream().map(Ticket::slot).toList());
            Arrays.fill(groups, group.first(), group.first() + group.size(), g);
        }
        for (Ticket live : next.subList(0, plan.size())) {
            roster.move(live, State.ACTIVE);
        }
        boolean eachInItsPlace =
                Arrays.equals(groups, LongStream.range(0, plan.groups().size()).toArray());
        Tensor rows =
                eachInItsPlace
                        ? logits
                        : logits.indexSelect(0, Tensor.of(logits.device(), groups, groups.length));
        sample(lane, rows, first);
    }

    /// Reads tokens from outside of sequences that still have their slot, and samples the next of
    /// each.
    private void readOn(List<Ticket> reading) {
        Lane lane = reading.getFirst().lane();
        List<NewTokens> unread = new ArrayList<>();
        int tokens = 0;
        for (Ticket live : reading) {
            NewTokens rest = unread(live);
            tokens += rest.ids().length;
            if (!unread.isEmpty() && tokens > CachedDecoder.CHUNK) {
                break;
            }
            unread.add(rest);
        }
        if (lane.decoder().isTooLong(unread.getFirst())) { // then it is the only one
            lane.decoder().readChunk(cache, unread.getFirst());
            tokensRead += CachedDecoder.CHUNK;
            decodesNext = true;
            return;
        }
        Tensor logits = lane.decoder().read(cache, unread);
        tokensRead += unread.stream().mapToInt(rest -> rest.ids().length).sum();
        int first = lane.rows().size();
        reading.subList(0, unread.size()).forEach(live -> roster.move(live, State.ACTIVE));
        sample(lane, logits, first);
    }

    private NewTokens unread(Ticket live) {
        int[] all = live.sequence().all();
        return new NewTokens(
                live.slot(), Arrays.copyOfRange(all, cache.length(live.slot()), all.length));
    }

    /// One more token for all active sequences of the next lane.
    private void decode() {
        Lane lane = roster.nextLane();
        lane.sort();
        tokensRead += lane.rows().size();
        List<Sequence> sequences = lane.rows().stream().map(Ticket::sequence).toList();
        var sent = BatchSampler.ahead(lane.decoder().decoder().device(), sequences);
        Tensor logits = lane.decoder().decode(cache, lane.slots(), lane.lastTokens());
        sample(lane, logits, 0, sent);
    }

    /// Samples a token for each row of logits.
    ///
    /// @param logits `(B, V)` of the lane's rows from `first` on
    private void sample(Lane lane, Tensor logits, int first) {
        sample(lane, logits, first, Optional.empty());
    }

    private void sample(Lane lane, Tensor logits, int first, Optional<Tensor> sent) {
        List<Ticket> rows = List.copyOf(lane.rows().subList(first, lane.rows().size()));
        Map<Ticket, RuntimeException> broken = settle(rows);
        BatchSampler.Sampled sampled =
                BatchSampler.sample(logits, rows.stream().map(Ticket::sequence).toList(), sent);
        // From the back, since a sequence that ends gives its place to the last one.
        for (int row = rows.size() - 1; row >= 0; row--) {
            Ticket live = rows.get(row);
            if (broken.containsKey(live)) {
                fail(live, broken.get(live));
                continue;
            }
            if (live.sequence().config().reports()) {
                live.sequence().report(sampled.top().get(row));
            }
            append(live, sampled.ids()[row], sampled.logProbs()[row]);
        }
        // Not before all have heard of their tokens: for that, constraints that are asked on
        // another thread would have to be waited for.
        rows.stream().filter(live -> live.state() == State.ACTIVE).forEach(this::constrain);
    }

    /// Waits for constraints.
    ///
    /// @return errors of those that failed
    private static Map<Ticket, RuntimeException> settle(List<Ticket> rows) {
        Map<Ticket, RuntimeException> broken = new HashMap<>();
        for (Ticket live : rows) {
            try {
                live.sequence().settle();
            } catch (RuntimeException e) {
                broken.put(live, e);
            }
        }
        return broken;
    }

    private void append(Ticket live, int id, float logProb) {
        Optional<StopReason> reason;
        try {
            reason = live.sequence().append(id, logProb);
        } catch (RuntimeException e) { // of its constraint
            fail(live, e);
            return;
        }
        Next next = live.sampled(id, logProb);
        if (next != Next.END && reason.isPresent()) {
            boolean full = live.sequence().room() < 0;
            next = full ? Next.END : live.stopped(reason.get());
        }
        switch (next) {
            case GO_ON -> {} // when all have their tokens
            case PAUSE -> pause(live);
            case END -> end(live, reason.orElse(StopReason.CANCELLED));
        }
    }

    /// Asks the constraint, which ends its sequence if it fails.
    private void constrain(Ticket live) {
        try {
            live.sequence().constrain(live.lane().decoder().decoder().config().vocabSize());
        } catch (RuntimeException e) {
            fail(live, e);
        }
    }

    private void pause(Ticket live) {
        if (seating.isDense()) {
            throw new IllegalStateException("a sequence of a list can't pause");
        }
        roster.move(live, State.PAUSED);
        live.paused(steps);
    }

    /// Lets a sequence pause as it is; nothing if it does, or has ended.
    void pauseNow(Ticket live) {
        if (live.state() != State.PAUSED && live.state() != State.ENDED) {
            pause(live);
        }
    }

    /// Lets a sequence give up its slot if it is paused.
    void leaveSlot(Ticket live) {
        if (live.state() == State.PAUSED) {
            releaseSlot(live);
        }
    }

    /// Lets a paused sequence go on; nothing if it has ended meanwhile.
    ///
    /// @param ids tokens from outside, as many as it has room for
    void goOn(Ticket live, int[] ids) {
        if (live.state() != State.PAUSED) {
            return;
        }
        try {
            live.sequence().appendForeign(ids);
        } catch (RuntimeException e) { // of its constraint
            fail(live, e);
            return;
        }
        if (!live.hasSlot()) {
            roster.move(live, State.WAITING);
        } else if (cache.length(live.slot()) < live.sequence().length() - 1) {
            roster.move(live, State.READING);
        } else {
            roster.move(live, State.ACTIVE);
        }
        constrain(live);
    }

    /// Ends a sequence as it is; nothing if it has ended.
    void cancel(Ticket live) {
        if (live.state() != State.ENDED) {
            end(live, StopReason.CANCELLED);
        }
    }

    private void end(Ticket live, StopReason reason) {
        live.ended(reason);
        if (reason != StopReason.DEADLINE && isRead(live)) {
            live.lane().decoder().finished(cache, live.slot());
        }
        leave(live);
    }

    /// Whether the sequence's slot holds all of it but the last token.
    private boolean isRead(Ticket live) {
        return live.state() == State.ACTIVE
                || live.state() == State.PAUSED
                        && live.hasSlot()
                        && cache.length(live.slot()) == live.sequence().length() - 1;
    }

    private void fail(Ticket live, RuntimeException error) {
        leave(live);
        live.failed(error);
    }

    /// Ends all sequences by an error, after which the cache is as good as new.
    void failAll(RuntimeException error) {
        List<Ticket> all = roster.all();
        roster.clear();
        slots.clear();
        for (Ticket live : all) {
            live.become(State.ENDED);
            live.failed(error);
        }
    }

    /// Ends all sequences as they are.
    void cancelAll() {
        roster.all().forEach(this::cancel);
    }

    private void leave(Ticket live) {
        Optional<Ticket> instead = roster.move(live, State.ENDED);
        if (seating.isDense() && instead.isPresent()) {
            int hole = live.slot();
            Ticket last = instead.get();
            cache.copy(last.slot(), hole, cache.length(last.slot()));
            live.moveTo(last.slot());
            last.moveTo(hole);
        }
        releaseSlot(live);
    }
}
