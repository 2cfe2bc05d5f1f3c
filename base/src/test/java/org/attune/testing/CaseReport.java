package org.attune.testing;

import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.function.Executable;

import java.util.ArrayList;
import java.util.List;

/// Runs many recorded cases as one test: every case runs, failures are collected, one line with the
/// counts is printed, and any failure fails the test at the end. A folder without a case fails it
/// too; where no case could be compared, the test counts as skipped.
/// ```
/// try (var report = new CaseReport("fixtures-trl", getClass())) {
///     for (...) report.run(name, () -> ...);
/// }
/// ```
public final class CaseReport implements AutoCloseable {
    private final String tag;
    private final Class<?> test;
    private int cases;
    private int passed;
    private int elsewhere;
    private int required;
    private boolean mayBeUnsupported = true;
    private final List<String> unsupported = new ArrayList<>();
    private final List<Throwable> failures = new ArrayList<>();

    /// @param tag the JUnit tag, e.g. `fixtures-trl`
    public CaseReport(String tag, Class<?> test) {
        this.tag = tag;
        this.test = test;
    }

    /// Makes it a failure too if fewer cases pass, or one is unsupported: of recordings that are
    /// part of the project none may be passed over.
    public CaseReport requiring(int cases) {
        required = cases;
        mayBeUnsupported = false;
        return this;
    }

    /// Runs one case; a failure is remembered with the case's name.
    public void run(String name, Executable body) {
        cases++;
        try {
            body.execute();
            passed++;
        } catch (Throwable t) {
            failures.add(new AssertionError("case " + name + ": " + t, t));
        }
    }

    /// Counts a case whose feature Attune doesn't have.
    public void unsupported(String name) {
        cases++;
        unsupported.add(name);
    }

    /// Counts a case of the same folder that another test compares.
    public void elsewhere() {
        elsewhere++;
    }

    @Override
    public void close() {
        String name = tag + "/" + test.getSimpleName();
        System.out.printf(
                "%s: %d cases, %d passed, %d unsupported: %s%n",
                name, cases, passed, unsupported.size(), String.join(" ", unsupported));
        if (cases == 0 && elsewhere == 0) {
            throw new AssertionError("no case ran");
        }
        if (passed == 0 && failures.isEmpty() && required == 0) {
            String message =
                    "skipped: %s: %d cases are other tests', %d unsupported"
                            .formatted(name, elsewhere, unsupported.size());
            System.out.println(message);
            Assumptions.abort(message);
        }
        if (failures.isEmpty()
                && (passed < required || !mayBeUnsupported && !unsupported.isEmpty())) {
            throw new AssertionError(
                    "%d cases passed of %d that must, unsupported: %s"
                            .formatted(passed, required, unsupported));
        }
        if (!failures.isEmpty()) {
            var error =
                    new AssertionError(
                            failures.size()
                                    + " of "
                                    + cases
                                    + " cases failed; first: "
                                    + failures.getFirst().getMessage());
            failures.stream().limit(20).forEach(error::addSuppressed);
            throw error;
        }
    }
}
