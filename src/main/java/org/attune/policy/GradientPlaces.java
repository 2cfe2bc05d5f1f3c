package org.attune.policy;

import org.attune.policy.ParameterSpace.Parameter;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/// Places of the gradients of parameters in one flat memory.
final class GradientPlaces {
    /// Numbers of 64 bytes. A gradient stands as in the flat order of all within such a line, since
    /// the last bits of products may depend on where they go.
    private static final long LINE = 16;

    private final List<List<Parameter>> groups;
    private final List<List<Parameter>> turns;
    private final Map<Parameter, Long> starts = new HashMap<>();
    private final boolean shared;
    private long size;

    private GradientPlaces(
            List<List<Parameter>> groups, List<List<Parameter>> turns, boolean shared) {
        this.groups = groups.stream().map(List::copyOf).toList();
        this.turns = turns.stream().map(List::copyOf).toList();
        this.shared = shared;
    }

    private GradientPlaces(List<List<Parameter>> groups) {
        this(groups, groups, false);
    }

    /// No gradients, for parameters that are not trained.
    static GradientPlaces none(List<Parameter> parameters) {
        return new GradientPlaces(List.of(parameters));
    }

    /// Each gradient where its parameter stands in the flat order: all exist at once.
    static GradientPlaces apart(List<List<Parameter>> groups) {
        var places = new GradientPlaces(groups);
        for (List<Parameter> group : groups) {
            for (Parameter p : group) {
                places.starts.put(p, p.offset());
                places.size += p.count();
            }
        }
        return places;
    }

    /// Gradients that take turns in the same memory, which is as large as the largest of them.
    ///
    /// @param groups that are updated together
    /// @param turns the parameters whose gradients a pass finishes together
    /// @param lasting turns that several parts of a pass add to: they have their own memory
    static GradientPlaces inTurn(
            List<List<Parameter>> groups, List<List<Parameter>> turns, Set<Integer> lasting) {
        var places = new GradientPlaces(groups, turns, true);
        for (int turn : lasting) {
            places.size = places.place(places.turns.get(turn), places.size);
        }
        long shared = places.size;
        for (int turn = 0; turn < turns.size(); turn++) {
            if (!lasting.contains(turn)) {
                long end = places.place(places.turns.get(turn), shared);
                places.size = Math.max(places.size, end);
            }
        }
        return places;
    }

    private long place(List<Parameter> turn, long start) {
        long next = start;
        for (Parameter p : turn) {
            next += Math.floorMod(p.offset() - next, LINE);
            starts.put(p, next);
            next += p.count();
        }
        return next;
    }

    /// The groups, in the order in which they were given.
    List<List<Parameter>> groups() {
        return groups;
    }

    /// What a pass finishes together, the first ones first.
    List<List<Parameter>> turns() {
        return turns;
    }

    /// First element of a parameter's gradient.
    long start(Parameter parameter) {
        return starts.get(parameter);
    }

    /// Whether several turns stand in the same place.
    boolean shared() {
        return shared;
    }

    /// Numbers of the memory.
    long size() {
        return size;
    }
}
