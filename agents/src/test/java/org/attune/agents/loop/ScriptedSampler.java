package org.attune.agents.loop;

import org.attune.rollout.SampledTurn;
import org.attune.rollout.StopReason;
import org.attune.rollout.TurnSampler;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/// A sampler whose turns were written beforehand, by sequence and number of the turn. It keeps what
/// each sequence had read before each of its turns. A step ends one turn of each of up to
/// [#slots()] sequences.
final class ScriptedSampler implements TurnSampler {
    private final int slots;
    private final Script script;
    private final Set<Integer> endIds;
    private final Map<Integer, Transcript> transcripts = new HashMap<>();
    private final Map<Integer, Integer> turns = new HashMap<>();
    private final Map<Integer, Integer> waiting = new HashMap<>(); // tokens a turn may have
    private final List<Integer> order = new ArrayList<>();
    private final List<SampledTurn> cut = new ArrayList<>();
    final List<int[]> seen = new ArrayList<>(); // each turn with all before it
    private final IdentityHashMap<int[], Integer> contexts = new IdentityHashMap<>();
    final List<String> steps = new ArrayList<>(); // which sequences each step gave a turn

    /// The tokens of a turn.
    @FunctionalInterface
    interface Script {
        int[] turn(int sequence, int number);
    }

    ScriptedSampler(int slots, Set<Integer> endIds, Script script) {
        this.slots = slots;
        this.endIds = endIds;
        this.script = script;
    }

    /// Tokens that a turn of [#seen] followed.
    int contextOf(int[] turn) {
        return contexts.get(turn);
    }

    @Override
    public int slots() {
        return slots;
    }

    @Override
    public void begin(int sequence, int[] prompt, int most, int drawn) {
        transcripts.put(sequence, new Transcript(prompt));
        if (drawn == 0) {
            turns.put(sequence, 0);
        }
        want(sequence, most);
    }

    @Override
    public void goOn(int sequence, int[] observed, int most) {
        transcripts.get(sequence).observed(observed);
        want(sequence, most);
    }

    private void want(int sequence, int most) {
        if (most < 1 || waiting.put(sequence, most) != null) {
            throw new IllegalStateException("sequence " + sequence + " wants " + most + " tokens");
        }
        order.add(sequence);
    }

    @Override
    public void cut(int sequence) {
        if (waiting.remove(sequence) != null) {
            order.removeIf(other -> other == sequence);
            cut.add(new SampledTurn(sequence, new int[0], new float[0], StopReason.DEADLINE));
        }
    }

    @Override
    public void end(int sequence) {
        waiting.remove(sequence);
        order.removeIf(other -> other == sequence);
    }

    @Override
    public boolean isBusy() {
        return !waiting.isEmpty() || !cut.isEmpty();
    }

    @Override
    public void step(Listener hearing) {
        cut.forEach(hearing::ended);
        cut.clear();
        List<Integer> now = List.copyOf(order.subList(0, Math.min(slots, order.size())));
        steps.add(now.toString());
        for (int sequence : now) {
            order.removeIf(other -> other == sequence);
            hearing.ended(turn(sequence, waiting.remove(sequence)));
        }
    }

    private SampledTurn turn(int sequence, int most) {
        int number = turns.merge(sequence, 1, Integer::sum) - 1;
        int[] whole = script.turn(sequence, number);
        int[] ids = Arrays.copyOf(whole, Math.min(most, whole.length));
        int context = transcripts.get(sequence).length();
        transcripts.get(sequence).sampled(ids);
        seen.add(transcripts.get(sequence).ids());
        contexts.put(seen.getLast(), context);
        boolean ends = endIds.contains(ids[ids.length - 1]);
        return new SampledTurn(
                sequence,
                ids,
                new float[ids.length],
                ends ? StopReason.STOP_TOKEN : StopReason.MAX_TOKENS);
    }
}
