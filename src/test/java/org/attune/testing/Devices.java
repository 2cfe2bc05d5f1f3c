package org.attune.testing;

import org.attune.error.ConfigException;
import org.attune.tensor.Device;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/// The devices that tests run on, for parameterised tests:
/// ```
/// @ParameterizedTest
/// @MethodSource("org.attune.testing.Devices#all")
/// void works(Device device) { … }
/// ```
public final class Devices {
    private Devices() {}

    /// A GPU that the processor plays: [org.attune.tensor.SimulatedGpu].
    public static Device simulated() {
        return Device.parse("simulated");
    }

    /// The CPU and [#gpus].
    public static Stream<Device> all() {
        return Stream.concat(Stream.of(Device.cpu()), gpus());
    }

    /// The simulated GPU, and the first GPU if there is one.
    public static Stream<Device> gpus() {
        List<Device> devices = new ArrayList<>(List.of(simulated()));
        try {
            devices.add(Device.parse("cuda"));
        } catch (ConfigException e) {
            System.out.println("without a GPU: " + e.getMessage());
        }
        return devices.stream();
    }

    /// The device of tests that aren't run on all: the CPU, or the simulated GPU under
    /// `-Dattune.device=simulated`.
    public static Device usual() {
        return "simulated".equals(System.getProperty("attune.device")) ? simulated() : Device.cpu();
    }
}
