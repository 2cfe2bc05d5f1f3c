package org.attune.cli.config;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;

/// What a run is that sets nothing. A changed default changes the runs of people who rely on it, so
/// it is changed in `defaults-METHOD.yaml` too.
class DefaultsTest {
    @ParameterizedTest
    @EnumSource(Method.class)
    void defaultsArePinned(Method method) throws IOException {
        String name = "defaults-" + method.wireName() + ".yaml";
        try (InputStream in = DefaultsTest.class.getResourceAsStream(name)) {
            String pinned = new String(in.readAllBytes(), StandardCharsets.UTF_8);
            assertEquals(pinned, ResolvedConfig.yaml(method.defaults()), name);
        }
    }
}
