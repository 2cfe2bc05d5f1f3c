package org.attune.error;

/// Work ended early because someone asked for it ([StopRequest]); nothing went wrong.
public final class StoppedException extends AttuneException {
    private static final long serialVersionUID = 1L;

    public StoppedException() {
        super("stopped on request");
    }
}
