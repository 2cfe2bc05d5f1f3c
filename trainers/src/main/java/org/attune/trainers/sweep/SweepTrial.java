package org.attune.trainers.sweep;

import static org.attune.api.Api.Status.EXPERIMENTAL;

import org.attune.api.Api;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.TreeMap;

/// One run of a sweep.
///
/// @param number from 0
/// @param values by key
/// @param state how far it is
/// @param result the held-out number at its end
/// @param steps held-out numbers by step
@Api(EXPERIMENTAL)
public record SweepTrial(
        int number,
        Map<String, Double> values,
        State state,
        OptionalDouble result,
        Map<Integer, Double> steps) {
    /// States, with Optuna's numbers.
    public enum State {
        RUNNING(0),
        COMPLETE(1),
        PRUNED(2),
        FAILED(3);

        private final int code;

        State(int code) {
            this.code = code;
        }

        int code() {
            return code;
        }

        static State of(int code) {
            for (State state : values()) {
                if (state.code == code) {
                    return state;
                }
            }
            return FAILED;
        }
    }

    public SweepTrial {
        values = Collections.unmodifiableMap(new LinkedHashMap<>(values));
        steps = Collections.unmodifiableMap(new TreeMap<>(steps));
    }

    SweepTrial at(State next, OptionalDouble value, Map<Integer, Double> told) {
        return new SweepTrial(number, values, next, value, told);
    }

    /// What the trial counts with among the others: its result, or the last number before it was
    /// given up.
    OptionalDouble score() {
        return switch (state) {
            case COMPLETE -> result;
            case PRUNED ->
                    steps.isEmpty()
                            ? OptionalDouble.empty()
                            : OptionalDouble.of(new TreeMap<>(steps).lastEntry().getValue());
            case RUNNING, FAILED -> OptionalDouble.empty();
        };
    }
}
