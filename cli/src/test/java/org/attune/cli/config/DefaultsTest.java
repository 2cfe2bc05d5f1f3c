package org.attune.cli.config;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.attune.trainers.config.ResolvedConfig;
import org.attune.trainers.opening.TrainingMethod;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;

/// What a run is that sets nothing. A changed default changes the runs of people who rely on it, so
/// it is changed in `defaults-METHOD.yaml` too.
class DefaultsTest {
    @ParameterizedTest
    @MethodSource("org.attune.trainers.run.Methods#all")
    void defaultsArePinned(TrainingMethod<?, ?> method) throws IOException {
        String name = "defaults-" + method.name() + ".yaml";
        try (InputStream in = DefaultsTest.class.getResourceAsStream(name)) {
            String pinned = new String(in.readAllBytes(), StandardCharsets.UTF_8);
            assertEquals(pinned, ResolvedConfig.yaml(method.defaults()), name);
        }
    }
}
