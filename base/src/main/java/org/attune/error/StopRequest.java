package org.attune.error;

import java.util.function.BooleanSupplier;
import java.util.function.Supplier;

/// A request to end a run early. Code that works within [#watching] calls [#check] between pieces
/// of work. Code that hands work to other threads passes [#current] on to them.
public final class StopRequest {
    private static final ScopedValue<BooleanSupplier> ASKED = ScopedValue.newInstance();

    private StopRequest() {}

    /// Works under a wish that may come.
    ///
    /// @param asked whether it has come; asked often, on any thread
    /// @throws StoppedException from within `work`
    public static <T> T watching(BooleanSupplier asked, Supplier<T> work) {
        return ScopedValue.where(ASKED, asked).call(work::get);
    }

    /// What this thread's work watches.
    public static BooleanSupplier current() {
        return ASKED.orElse(StopRequest::never);
    }

    private static boolean never() {
        return false;
    }

    /// Ends the work if someone wishes it.
    ///
    /// @throws StoppedException if so
    public static void check() {
        check(current());
    }

    /// Ends work on another thread if someone wishes it.
    ///
    /// @param asked from [#current]
    /// @throws StoppedException if so
    public static void check(BooleanSupplier asked) {
        if (asked.getAsBoolean()) {
            throw new StoppedException();
        }
    }
}
