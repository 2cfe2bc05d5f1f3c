package org.attune.optim;

import static org.junit.jupiter.api.Assertions.assertEquals;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;

import org.attune.policy.ParameterSpace.Parameter;
import org.attune.tensor.Device;
import org.attune.tensor.Engine;
import org.attune.testing.Devices;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

import java.io.IOException;
import java.io.InputStream;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/// Runs of bitsandbytes', schedulefree's and PyTorch's classes, recorded by `make_optimizers.py`.
class RecordedOptimizersTest {
    private static final double TOLERANCE = 2e-6;

    @TestFactory
    Stream<DynamicTest> stepsAreTheirs() throws IOException {
        JsonNode recorded;
        try (InputStream file = getClass().getResourceAsStream("/recorded/optimizers.json")) {
            recorded = new ObjectMapper().readTree(file);
        }
        var tests = new ArrayList<DynamicTest>();
        for (JsonNode run : recorded.get("runs")) {
            OptimizerKind kind = RecordedOptimizer.kind(run);
            for (Device device : Devices.all().filter(kind::serves).toList()) {
                tests.add(
                        DynamicTest.dynamicTest(
                                run.get("optimiser").asText() + " on " + device,
                                () -> Engine.run(() -> compare(recorded, run, device))));
            }
        }
        return tests.stream();
    }

    private static void compare(JsonNode recorded, JsonNode run, Device device) {
        List<Parameter> parameters = new ArrayList<>();
        long offset = 0;
        for (var shape : recorded.get("shapes").properties()) {
            var sizes = new long[shape.getValue().size()];
            for (int i = 0; i < sizes.length; i++) {
                sizes[i] = shape.getValue().get(i).asLong();
            }
            parameters.add(new Parameter(shape.getKey(), sizes, offset, true));
            offset += parameters.getLast().count();
        }
        JsonNode settings = run.get("settings");
        var groups = ParameterGroups.of(settings.get("weight_decay").asDouble());
        try (var space = new FlatParameters(parameters, inputs(parameters, 9), device);
                var optimizer = new FlatOptimizer(space, RecordedOptimizer.kind(run), groups)) {
            for (int step = 0; step < recorded.get("steps").asInt(); step++) {
                space.setGradients(inputs(parameters, step));
                optimizer.step(settings.get("lr").asDouble(), 1);
            }
            compare(run.get("values"), parameters, space.values().toFloats());
            if (run.has("result")) {
                optimizer.showResult();
                compare(run.get("result"), parameters, space.values().toFloats());
                optimizer.showTrained();
                compare(run.get("values"), parameters, space.values().toFloats());
            }
        }
    }

    private static void compare(JsonNode expected, List<Parameter> parameters, float[] values) {
        for (Parameter p : parameters) {
            JsonNode numbers = expected.get(p.name());
            for (int i = 0; i < numbers.size(); i++) {
                String place = p.name() + "[" + i + "]";
                assertEquals(
                        numbers.get(i).asDouble(), values[(int) p.offset() + i], TOLERANCE, place);
            }
        }
    }

    /// The script's numbers.
    private static float[] inputs(List<Parameter> parameters, int step) {
        long size = parameters.stream().mapToLong(Parameter::count).sum();
        float[] all = new float[(int) size];
        for (Parameter p : parameters) {
            for (int i = 0; i < p.count(); i++) {
                double number = Math.sin(i * 0.7 + step * 1.3) * (1 + i % 5) * 0.1;
                all[(int) p.offset() + i] = (float) number;
            }
        }
        return all;
    }
}
