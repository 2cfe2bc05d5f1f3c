package org.attune.policy;

import org.attune.policy.ParameterSpace.Parameter;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/// Places of the gradients of groups of parameters in one flat memory.
final class GradientPlaces {
    private final List<List<Parameter>> groups;
    private final Map<Parameter, Long> starts = new HashMap<>();
    private final boolean shared;
    private long size;

    private GradientPlaces(List<List<Parameter>> groups, boolean shared) {
        this.groups = groups.stream().map(List::copyOf).toList();
        this.shared = shared;
    }

    /// No gradients, for parameters that are not trained.
    static GradientPlaces none(List<Parameter> parameters) {
        return new GradientPlaces(List.of(parameters), false);
    }

    /// Each gradient where its parameter stands in the flat order: all exist at once.
    static GradientPlaces apart(List<List<Parameter>> groups) {
        var places = new GradientPlaces(groups, false);
        for (List<Parameter> group : groups) {
            for (Parameter p : group) {
                places.starts.put(p, p.offset());
                places.size += p.count();
            }
        }
        return places;
    }

    /// Groups in turn in the same memory, which is as large as the largest of them.
    ///
    /// @param lasting groups that several parts of a pass add to: they have their own memory
    static GradientPlaces inTurn(List<List<Parameter>> groups, Set<Integer> lasting) {
        var places = new GradientPlaces(groups, true);
        for (int group : lasting) {
            places.size = places.place(places.groups.get(group), places.size);
        }
        long shared = places.size;
        for (int group = 0; group < groups.size(); group++) {
            if (!lasting.contains(group)) {
                long end = places.place(places.groups.get(group), shared);
                places.size = Math.max(places.size, end);
            }
        }
        return places;
    }

    private long place(List<Parameter> group, long start) {
        long next = start;
        for (Parameter p : group) {
            starts.put(p, next);
            next += p.count();
        }
        return next;
    }

    /// The groups, in the order in which they were given.
    List<List<Parameter>> groups() {
        return groups;
    }

    /// First element of a parameter's gradient.
    long start(Parameter parameter) {
        return starts.get(parameter);
    }

    /// Whether several groups stand in the same place.
    boolean shared() {
        return shared;
    }

    /// Numbers of the memory.
    long size() {
        return size;
    }
}
