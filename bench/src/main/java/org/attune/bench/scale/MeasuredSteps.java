package org.attune.bench.scale;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;

import org.apache.commons.rng.UniformRandomProvider;
import org.apache.commons.rng.simple.RandomSource;
import org.attune.error.ConfigException;
import org.attune.json.Json;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/// Times of steps that were measured on one device, from which those of many are drawn: each of `n`
/// devices takes one of them, the step lasts as long as the slowest, and then what messages leave.
///
/// @param seconds of each step; do not modify
@SuppressWarnings("ArrayRecordComponent") // a named tuple, never compared
public record MeasuredSteps(double[] seconds) {

    /// @throws IllegalArgumentException if there is none, or one isn't above 0
    public MeasuredSteps {
        if (seconds.length == 0 || !Arrays.stream(seconds).allMatch(s -> s > 0)) {
            throw new IllegalArgumentException(
                    "measured steps take time, and there is one at least");
        }
    }

    /// Reads the steps of a run with `logging_steps: 1`; the first two are left out, which warm up.
    ///
    /// @param metrics its `metrics.jsonl`
    /// @throws ConfigException if it has no three steps with `step_time`
    public static MeasuredSteps of(Path metrics) {
        List<Double> times = new ArrayList<>();
        try {
            for (String line : Files.readAllLines(metrics)) {
                JsonNode time = Json.tree(line).path("step_time");
                if (time.isNumber() && time.asDouble() > 0) {
                    times.add(time.asDouble());
                }
            }
        } catch (JsonProcessingException e) {
            throw new ConfigException(metrics + " isn't JSON lines: " + e.getOriginalMessage(), e);
        } catch (IOException e) {
            throw new ConfigException(metrics + " can't be read: " + e.getMessage(), e);
        }
        if (times.size() < 3) {
            throw new ConfigException(
                    "%s has %d steps with step_time; accepted: at least 3, as a run with logging_steps: 1 leaves them"
                            .formatted(metrics, times.size()));
        }
        return new MeasuredSteps(
                times.subList(2, times.size()).stream().mapToDouble(Double::doubleValue).toArray());
    }

    /// Mean seconds of a step.
    public double mean() {
        return Arrays.stream(seconds).average().orElseThrow();
    }

    /// Part of the time in which `n` devices compute.
    ///
    /// @param exposed seconds that each step waits for messages
    /// @param steps to draw
    /// @param seed of the draws
    public double efficiency(int n, double exposed, int steps, long seed) {
        UniformRandomProvider draws = RandomSource.XO_SHI_RO_256_PP.create(new long[] {seed, n});
        double worked = 0;
        double lasted = 0;
        for (int step = 0; step < steps; step++) {
            double slowest = 0;
            double sum = 0;
            for (int device = 0; device < n; device++) {
                double time = seconds[draws.nextInt(seconds.length)];
                slowest = Math.max(slowest, time);
                sum += time;
            }
            worked += sum / n;
            lasted += slowest + exposed;
        }
        return worked / lasted;
    }
}
