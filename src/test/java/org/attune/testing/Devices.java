package org.attune.testing;

import org.attune.error.ConfigException;
import org.attune.tensor.Device;

import java.util.stream.Stream;

/// The devices of this machine, for parameterised tests tagged `gpu`:
/// ```
/// @ParameterizedTest
/// @MethodSource("org.attune.testing.Devices#all")
/// void works(Device device) { … }
/// ```
public final class Devices {
    private Devices() {}

    /// The CPU, and the first GPU if there is one.
    public static Stream<Device> all() {
        try {
            return Stream.of(Device.cpu(), Device.parse("cuda"));
        } catch (ConfigException e) {
            System.out.println("without a GPU: " + e.getMessage());
            return Stream.of(Device.cpu());
        }
    }
}
