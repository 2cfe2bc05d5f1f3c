package org.attune.agents.tool;

import static org.attune.api.Api.Status.EXPERIMENTAL;

import org.attune.api.Api;

/// The world failed, not the model: a tool's time was over, its program died, its server was
/// unreachable. The episode begins again in a fresh environment.
@Api(EXPERIMENTAL)
public final class WorldFailedException extends Exception {
    private static final long serialVersionUID = 1L;

    /// @param message who failed, in which way
    public WorldFailedException(String message) {
        super(message);
    }

    public WorldFailedException(String message, Throwable cause) {
        super(message, cause);
    }
}
