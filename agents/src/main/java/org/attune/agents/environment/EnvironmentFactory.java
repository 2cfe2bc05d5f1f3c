package org.attune.agents.environment;

import static org.attune.api.Api.Status.EXPERIMENTAL;

import org.attune.api.Api;

/// Makes the environments of one name. Called from many threads at once.
@Api(EXPERIMENTAL)
@FunctionalInterface
public interface EnvironmentFactory extends AutoCloseable {
    /// An environment for one episode.
    ///
    /// @throws Exception if the world failed
    Environment make() throws Exception;

    /// Gives back what the run's environments share, at the end of the run.
    @Override
    default void close() {}
}
