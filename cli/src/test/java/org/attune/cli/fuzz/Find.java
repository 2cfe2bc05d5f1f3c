package org.attune.cli.fuzz;

import java.util.Arrays;
import java.util.stream.Collectors;

/// What is wrong with how a reader took an input.
///
/// @param what    kind of fault: a class of exceptions, or what was exceeded
/// @param place   method of the project in which it happened
/// @param details message and stack
record Find(String what, String place, String details) {
    private static final String OURS = "org.attune.";
    private static final String FUZZER = "org.attune.cli.fuzz.";
    private static final int SHOWN_FRAMES = 60;

    static Find of(String what, String message, StackTraceElement[] stack) {
        String frames =
                Arrays.stream(stack)
                        .limit(SHOWN_FRAMES)
                        .map(frame -> "\n    at " + frame)
                        .collect(Collectors.joining());
        return new Find(what, place(stack), what + ": " + message + frames);
    }

    private static String place(StackTraceElement[] stack) {
        return Arrays.stream(stack)
                .filter(f -> f.getClassName().startsWith(OURS))
                .filter(f -> !f.getClassName().startsWith(FUZZER))
                .findFirst()
                .map(f -> f.getClassName().substring(OURS.length()) + "." + f.getMethodName())
                .orElse("-");
    }

    /// Equal for finds that probably have one cause.
    String signature() {
        return what + " in " + place;
    }
}
