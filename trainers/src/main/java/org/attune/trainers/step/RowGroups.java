package org.attune.trainers.step;

import org.attune.policy.TokenBudget;
import org.attune.trainers.batch.Dealing;
import org.attune.trainers.config.TrainingConfig;
import org.attune.trainers.loop.LogicalDevices;
import org.attune.trainers.loop.RunContext;
import org.attune.trainers.loop.RunParts;

import java.util.List;
import java.util.function.Function;

/// Cuts a step's rows into the groups that are computed at once. What the sequences of a group
/// begin with in common costs its tokens once.
///
/// @param budget most tokens of a group
/// @param shares whether a common beginning is computed once
public record RowGroups(TokenBudget budget, boolean shares) {
    /// Groups for rows of a run. Noise is each sequence's own, so nothing is shared under it.
    public static RowGroups of(TrainingConfig training, RunContext context) {
        return new RowGroups(
                RunParts.budget(training.batch()), context.sharePrompts() && !training.hasNoise());
    }

    /// Deals the rows of a step to logical devices and groups those of each.
    <R> DeviceGroups<RowAt<R>> dealt(
            LogicalDevices devices, List<RowAt<R>> rows, StepObjective<R, ?> objective) {
        boolean together = rows.stream().anyMatch(r -> objective.together(r.row()).isPresent());
        return together
                ? dealtWhole(
                        devices,
                        rows,
                        r -> objective.sequences(r.row()),
                        r -> objective.together(r.row()))
                : dealt(devices, rows, r -> objective.sequences(r.row()));
    }

    /// Deals `rows` to logical devices and groups those of each.
    ///
    /// @param sequences token ids of each row's sequences
    public <T> DeviceGroups<T> dealt(
            LogicalDevices devices, List<T> rows, Function<T, List<int[]>> sequences) {
        return new DeviceGroups<>(
                devices,
                Dealing.of(rows, devices.count(), sequences, shares).stream()
                        .map(own -> of(own, sequences))
                        .toList());
    }

    /// Deals rows to devices so that those of a group stay on one device, and cuts each device's
    /// into groups.
    ///
    /// @param group what rows have in common that belong together
    private <T> DeviceGroups<T> dealtWhole(
            LogicalDevices devices,
            List<T> rows,
            Function<T, List<int[]>> sequences,
            Function<T, Object> group) {
        return new DeviceGroups<>(
                devices,
                Dealing.whole(rows, devices.count(), sequences, shares, group).stream()
                        .map(own -> of(own, sequences))
                        .toList());
    }

    /// The groups of an evaluation, which are the same whatever the number of devices.
    ///
    /// @param sequences token ids of each row's sequences
    public <T> DeviceGroups<T> inTurn(
            LogicalDevices devices, List<T> rows, Function<T, List<int[]>> sequences) {
        return DeviceGroups.inTurn(devices, of(rows, sequences));
    }

    /// Groups `rows` in their order; every row is in exactly one group.
    ///
    /// @param sequences token ids of each row's sequences
    public <T> List<List<T>> of(List<T> rows, Function<T, List<int[]>> sequences) {
        return budget.groups(rows, sequences, shares);
    }
}
