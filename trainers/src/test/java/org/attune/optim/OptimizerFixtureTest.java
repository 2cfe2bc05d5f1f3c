package org.attune.optim;

import static org.junit.jupiter.api.Assertions.assertEquals;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;

import org.attune.files.TensorFile;
import org.attune.files.safetensors.SafeTensorsFile;
import org.attune.policy.ParameterSpace.Parameter;
import org.attune.tensor.Device;
import org.attune.tensor.Engine;
import org.attune.testing.CaseReport;
import org.attune.testing.Devices;
import org.attune.testing.Fixtures;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.regex.Pattern;

/// Recorded runs of PyTorch's optimizers, and of its clipping.
@Tag("fixtures-engine")
class OptimizerFixtureTest {
    private static final double TOLERANCE = 1e-5;

    @Test
    void stepsAreThoseOfTorch() throws IOException {
        Path folder = Fixtures.fixture("engine/optim");
        JsonNode runs = new ObjectMapper().readTree(folder.resolve("optimisers.json").toFile());
        try (TensorFile file = SafeTensorsFile.open(folder.resolve("trajectories.safetensors"));
                var report = new CaseReport("fixtures-engine", getClass())) {
            for (Map.Entry<String, JsonNode> run : runs.get("optimisers").properties()) {
                OptimizerKind kind = RecordedOptimizer.kind(run.getValue());
                for (Device device : Devices.all().filter(kind::serves).toList()) {
                    report.run(
                            run.getKey() + " on " + device,
                            () -> Engine.run(() -> compare(file, runs, run.getKey(), device)));
                }
            }
            for (Map.Entry<String, JsonNode> clip : runs.get("clipping").properties()) {
                for (Device device : Devices.all().toList()) {
                    report.run(
                            "clip-" + clip.getKey() + " on " + device,
                            () -> clips(file, runs, clip.getKey(), device));
                }
            }
        }
    }

    private static void compare(TensorFile file, JsonNode runs, String run, Device device) {
        JsonNode recorded = runs.get("optimisers").get(run);
        JsonNode settings = recorded.get("settings");
        List<String> names = new ArrayList<>();
        runs.get("parameters").fieldNames().forEachRemaining(names::add);
        List<Parameter> parameters = new ArrayList<>();
        long offset = 0;
        for (String name : names) {
            long[] shape = file.entries().get("start." + name).shape();
            var parameter = new Parameter(name, shape, offset, true);
            parameters.add(parameter);
            offset += parameter.count();
        }
        try (var space =
                        new FlatParameters(
                                parameters,
                                joined(file, names, "start.%s", 0, (int) offset),
                                device);
                var optimizer =
                        new FlatOptimizer(
                                space, RecordedOptimizer.kind(recorded), groups(settings))) {
            for (int step = 0; step < runs.get("steps").asInt(); step++) {
                space.setGradients(joined(file, names, "gradient.%s", step, (int) offset));
                optimizer.step(settings.get("lr").asDouble(), 1);
                float[] expected = joined(file, names, run + ".%s", step, (int) offset);
                near(run + " step " + step, expected, space.values().toFloats());
            }
            if (file.entries().containsKey(run + "." + names.getFirst() + ".result")) {
                optimizer.showResult();
                float[] result = joined(file, names, run + ".%s.result", 0, (int) offset);
                near(run + " result", result, space.values().toFloats());
            }
        }
    }

    private static ParameterGroups groups(JsonNode settings) {
        var groups = new ArrayList<ParameterGroup>();
        double rate = settings.get("lr").asDouble();
        for (JsonNode group : settings.path("groups")) {
            var names = new ArrayList<String>();
            group.get("params").forEach(name -> names.add(Pattern.quote(name.asText())));
            groups.add(
                    ParameterGroup.named(
                            Pattern.compile("^(" + String.join("|", names) + ")$"),
                            group.has("lr")
                                    ? OptionalDouble.of(group.get("lr").asDouble() / rate)
                                    : OptionalDouble.empty(),
                            OptionalDouble.of(group.get("weight_decay").asDouble())));
        }
        return new ParameterGroups(settings.path("weight_decay").asDouble(0), groups);
    }

    private static void clips(TensorFile file, JsonNode runs, String name, Device device) {
        JsonNode clip = runs.get("clipping").get(name);
        List<String> names = new ArrayList<>();
        runs.get("parameters").fieldNames().forEachRemaining(names::add);
        float[] before = joined(file, names, "clip." + name + ".%s.before", 0, -1);
        float[] after = joined(file, names, "clip." + name + ".%s.after", 0, -1);
        var all = List.of(new Parameter("all", new long[] {before.length}, 0, true));
        Engine.run(
                () -> {
                    try (var space = new FlatParameters(all, new float[before.length], device);
                            var adamw =
                                    new FlatOptimizer(
                                            space, AdamW.defaults(), ParameterGroups.of(0))) {
                        space.setGradients(before);
                        NormType type =
                                switch (clip.get("norm_type").asText()) {
                                    case "inf" -> NormType.INF;
                                    case "1.0" -> NormType.L1;
                                    case "2.0" -> NormType.L2;
                                    case String other -> throw new AssertionError(other);
                                };
                        double norm = adamw.gradientNorm(type);
                        double expected = clip.get("total_norm").asDouble();
                        assertEquals(expected, norm, TOLERANCE * Math.max(1, expected));
                        double scale =
                                GradientClipping.scale(norm, clip.get("max_norm").asDouble());
                        float[] scaled = new float[before.length];
                        for (int i = 0; i < scaled.length; i++) {
                            scaled[i] = (float) (before[i] * scale);
                        }
                        near(name, after, scaled);
                    }
                });
    }

    /// Step `step` of a series of every parameter, one after the other.
    private static float[] joined(
            TensorFile file, List<String> names, String pattern, int step, int size) {
        List<Float> all = new ArrayList<>();
        try (Arena arena = Arena.ofConfined()) {
            for (String name : names) {
                String key = pattern.formatted(name);
                float[] values = file.read(key, arena).toArray(ValueLayout.JAVA_FLOAT);
                long[] own = file.entries().get("start." + name).shape();
                int count = (int) new TensorFile.Entry(name, null, own).count();
                for (int i = 0; i < count; i++) {
                    all.add(values[step * count + i]);
                }
            }
        }
        float[] result = new float[all.size()];
        for (int i = 0; i < result.length; i++) {
            result[i] = all.get(i);
        }
        assertEquals(size < 0 ? result.length : size, result.length);
        return result;
    }

    private static void near(String what, float[] expected, float[] got) {
        for (int i = 0; i < expected.length; i++) {
            assertEquals(
                    expected[i],
                    got[i],
                    TOLERANCE * Math.max(1, Math.abs(expected[i])),
                    what + " [" + i + "]");
        }
    }
}
