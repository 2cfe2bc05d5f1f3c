package org.attune.agents.sandbox;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;

/// What a filter says of one call.
///
/// @param call its name
/// @param checks of its arguments; all must hold, or the call fails
/// @param errno what else it answers without being made: 0 for success; below 0 it is made
record CallRule(String call, List<Check> checks, int errno) {
    private static final int MADE = -1;

    /// @param argument which one, from 0
    /// @param mask of it that is compared
    /// @param values one of which it must be
    /// @param errno if it is none
    record Check(int argument, int mask, List<Integer> values, int errno) {}

    /// Calls that pass.
    static List<CallRule> pass(String calls) {
        return answer(calls, MADE);
    }

    /// Calls that answer so, and do nothing.
    static List<CallRule> answer(String calls, int errno) {
        List<CallRule> rules = new ArrayList<>();
        for (String call : calls.strip().split("\\s+")) {
            rules.add(new CallRule(call, List.of(), errno));
        }
        return rules;
    }

    /// A call that passes if all checks hold, which are added by [#with].
    static CallRule checked(String call) {
        return new CallRule(call, List.of(), MADE);
    }

    /// Adds a check: the rule holds if an argument is one of these values.
    CallRule with(int argument, int errno, int... values) {
        return with(new Check(argument, -1, boxed(values), errno));
    }

    /// Adds a check: the rule holds if the bits of a mask are one of these values.
    CallRule withBits(int argument, int mask, int... values) {
        return with(new Check(argument, mask, boxed(values), CallFilter.NOT_PERMITTED));
    }

    private static List<Integer> boxed(int... values) {
        return IntStream.of(values).boxed().toList();
    }

    private CallRule with(Check check) {
        List<Check> all = new ArrayList<>(checks);
        all.add(check);
        return new CallRule(call, List.copyOf(all), errno);
    }
}
