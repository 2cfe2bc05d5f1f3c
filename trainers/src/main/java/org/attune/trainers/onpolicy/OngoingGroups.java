package org.attune.trainers.onpolicy;

import org.attune.rollout.OngoingCompletions;
import org.attune.rollout.SampledCompletion;
import org.attune.rollout.StopReason;
import org.attune.rollout.source.CompletionBytes;

import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Queue;
import java.util.function.LongFunction;

/// The groups of one device: those that have ended and those under way, as one round after the
/// other makes them longer and takes the first ones that have ended.
final class OngoingGroups implements OngoingCompletions {
    private static final SampledCompletion NOTHING =
            new SampledCompletion(new int[0], new float[0], StopReason.CANCELLED);

    private final Limits limits;
    private final LongFunction<int[]> prompts;
    private final List<Group> groups = new ArrayList<>(); // in the order in which they were begun
    private final Queue<Begun> waiting = new ArrayDeque<>();
    private long begun;
    private int dropped;
    private int version;
    private int needed = Integer.MAX_VALUE;

    /// What bounds the groups of a device.
    ///
    /// @param generations completions of a group
    /// @param places completions that get tokens at once
    /// @param queue completions of groups that have ended, from which on none is begun
    /// @param longest tokens of the longest prompt
    /// @param device number of this one
    /// @param devices how many there are
    record Limits(int generations, int places, int queue, int longest, int device, int devices) {}

    /// A prompt's completions.
    ///
    /// @param number among all groups of the run
    /// @param of completions of the group
    record Group(long number, Member[] of) {
        boolean hasEnded() {
            return Arrays.stream(of).allMatch(Member::hasEnded);
        }

        /// The version of the weights that sampled its oldest token; empty before the first.
        int oldest(int otherwise) {
            return Arrays.stream(of)
                    .filter(m -> m.versions.length > 0)
                    .mapToInt(m -> m.versions[0])
                    .min()
                    .orElse(otherwise);
        }
    }

    /// A completion of a group.
    ///
    /// @param tokens until now
    /// @param versions of the weights that sampled each, `(T)`
    record Member(SampledCompletion tokens, int[] versions, boolean hasEnded) {
        private Member with(SampledCompletion longer, int version, boolean ends) {
            int[] all = Arrays.copyOf(versions, longer.ids().length);
            Arrays.fill(all, versions.length, all.length, version);
            return new Member(longer, all, ends);
        }
    }

    /// @param prompts tokens of the prompt of a group of the run
    OngoingGroups(Limits limits, LongFunction<int[]> prompts) {
        this.limits = limits;
        this.prompts = prompts;
    }

    /// Goes on with the groups that [#write] wrote.
    void read(DataInputStream in) throws IOException {
        begun = in.readLong();
        for (int left = in.readInt(); left > 0; left--) {
            var group = new Group(in.readLong(), new Member[limits.generations]);
            for (int i = 0; i < group.of.length; i++) {
                boolean ended = in.readBoolean();
                SampledCompletion tokens = CompletionBytes.read(in);
                int[] versions = new int[tokens.ids().length];
                for (int t = 0; t < versions.length; t++) {
                    versions[t] = in.readInt();
                }
                group.of[i] = new Member(tokens, versions, ended);
            }
            groups.add(group);
        }
    }

    /// Writes all groups.
    void write(DataOutputStream out) throws IOException {
        out.writeLong(begun);
        out.writeInt(groups.size());
        for (Group group : groups) {
            out.writeLong(group.number);
            for (Member member : group.of) {
                out.writeBoolean(member.hasEnded);
                CompletionBytes.write(member.tokens, out);
                for (int of : member.versions) {
                    out.writeInt(of);
                }
            }
        }
    }

    /// Begins a round: drops groups with tokens of older weights, and lets the others go on.
    ///
    /// @param written version of the weights that sample from now on
    /// @param oldest version that the round may learn from
    /// @param needed groups that the round learns from
    void begin(int written, int oldest, int needed) {
        version = written;
        this.needed = needed;
        int before = groups.size();
        groups.removeIf(group -> group.oldest(written) < oldest);
        dropped = before - groups.size();
        groups.forEach(this::wait);
    }

    private void wait(Group group) {
        int[] prompt = prompts.apply(group.number);
        for (int i = 0; i < group.of.length; i++) {
            if (!group.of[i].hasEnded) {
                waiting.add(new Begun(prompt, group.number, i, group.of[i].tokens));
            }
        }
    }

    /// Groups are begun as a whole, so that their prompt is read once.
    @Override
    public List<Begun> next(int free) {
        int whole = Math.min(limits.generations, limits.places);
        List<Begun> next = new ArrayList<>();
        while (next.size() < free && !waiting.isEmpty()) {
            next.add(waiting.poll());
        }
        while (free - next.size() >= whole && ended() * limits.generations < limits.queue) {
            begin();
            while (next.size() < free && !waiting.isEmpty()) {
                next.add(waiting.poll());
            }
        }
        return next;
    }

    private void begin() {
        long number = begun++ * limits.devices + limits.device;
        var group = new Group(number, new Member[limits.generations]);
        Arrays.fill(group.of, new Member(NOTHING, new int[0], false));
        groups.add(group);
        wait(group);
    }

    @Override
    public void ended(Begun of, SampledCompletion whole) {
        put(of, whole, true);
    }

    @Override
    public void left(Begun of, SampledCompletion before) {
        put(of, before, false);
    }

    private void put(Begun of, SampledCompletion tokens, boolean ends) {
        for (Group group : groups) {
            if (group.number == of.batch()) {
                group.of[of.index()] = group.of[of.index()].with(tokens, version, ends);
            }
        }
    }

    /// Groups that have ended.
    int ended() {
        return (int) groups.stream().filter(Group::hasEnded).count();
    }

    @Override
    public boolean isEnough() {
        return ended() >= needed;
    }

    @Override
    public int places() {
        return limits.places;
    }

    @Override
    public int longestPrompt() {
        return limits.longest;
    }

    /// Takes the groups of the round: of those that have ended the ones that were begun first.
    List<Group> take() {
        List<Group> taken = groups.stream().filter(Group::hasEnded).limit(needed).toList();
        groups.removeAll(taken);
        return taken;
    }

    /// Completions that have tokens but no end.
    int underWay() {
        return (int)
                groups.stream()
                        .flatMap(group -> Arrays.stream(group.of))
                        .filter(m -> !m.hasEnded && m.versions.length > 0)
                        .count();
    }

    /// Completions of groups that this round dropped.
    int dropped() {
        return dropped * limits.generations;
    }
}
