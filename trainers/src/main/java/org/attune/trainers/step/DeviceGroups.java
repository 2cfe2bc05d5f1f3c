package org.attune.trainers.step;

import org.attune.ranks.Collective;
import org.attune.trainers.loop.LogicalDevices;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.function.BiConsumer;
import java.util.function.Function;
import java.util.function.IntUnaryOperator;
import java.util.function.Predicate;
import java.util.function.ToIntFunction;

/// The groups of rows of a step or an evaluation, and which process computes which of them. All
/// processes know all groups. What the models say of a group is told to all of them in the order of
/// the groups, so that sums over rows have the same bits everywhere.
///
/// @param devices borrowed
/// @param groups of each logical device, in the order in which they are computed
/// @param <T> a row
public record DeviceGroups<T>(LogicalDevices devices, List<List<List<T>>> groups) {
    public DeviceGroups {
        groups = groups.stream().map(List::copyOf).toList();
    }

    /// Groups of an evaluation, which are the same whatever the number of devices.
    static <T> DeviceGroups<T> inTurn(LogicalDevices devices, List<List<T>> groups) {
        List<List<List<T>>> dealt = new ArrayList<>();
        for (int device = 0; device < devices.count(); device++) {
            dealt.add(
                    groups.subList(
                            (int) ((long) groups.size() * device / devices.count()),
                            (int) ((long) groups.size() * (device + 1) / devices.count())));
        }
        return new DeviceGroups<>(devices, dealt);
    }

    /// All groups, those of the first device first.
    public List<List<T>> all() {
        return groups.stream().flatMap(List::stream).toList();
    }

    /// Tokens of each device.
    ///
    /// @param length of a row
    public long[] tokens(ToIntFunction<T> length) {
        return groups.stream()
                .mapToLong(
                        own ->
                                own.stream()
                                        .flatMap(List::stream)
                                        .mapToLong(length::applyAsInt)
                                        .sum())
                .toArray();
    }

    /// Some of the groups.
    DeviceGroups<T> where(Predicate<List<T>> wanted) {
        return new DeviceGroups<>(
                devices, groups.stream().map(own -> own.stream().filter(wanted).toList()).toList());
    }

    /// Has every group measured by the process that it belongs to.
    ///
    /// @param what for messages
    /// @param measure what the models say of an own group
    /// @param tell told of every group, in order
    public void measure(
            String what,
            Function<List<T>, GroupNumbers> measure,
            BiConsumer<List<T>, GroupNumbers> tell) {
        if (!devices.areShared()) {
            all().forEach(group -> tell.accept(group, measure.apply(group)));
            return;
        }
        List<GroupNumbers> own = new ArrayList<>();
        for (int device = 0; device < groups.size(); device++) {
            if (devices.isOwn(device)) {
                groups.get(device).forEach(group -> own.add(measure.apply(group)));
            }
        }
        tellAll(what, own, devices::owner, tell);
    }

    /// Gathers what every process learned from its groups.
    ///
    /// @param own what was said of this process's groups, by device
    /// @param tell told of every group, in order
    void gatherLearned(List<List<GroupNumbers>> own, BiConsumer<List<T>, GroupNumbers> tell) {
        List<GroupNumbers> all = own.stream().flatMap(List::stream).toList();
        tellAll("losses", all, devices::learner, tell);
    }

    /// The number of a device's first group among those of all devices.
    int numberOfFirst(int device) {
        return groups.subList(0, device).stream().mapToInt(List::size).sum();
    }

    /// @param own what was said of this process's groups, those of the first device first
    /// @param teller the process that says it of a device's groups
    private void tellAll(
            String what,
            List<GroupNumbers> own,
            IntUnaryOperator teller,
            BiConsumer<List<T>, GroupNumbers> tell) {
        Collective ranks = devices.ranks();
        List<Deque<GroupNumbers>> said = new ArrayList<>();
        for (byte[] theirs : ranks.allGather(what, GroupNumbers.bytes(own))) {
            said.add(new ArrayDeque<>(GroupNumbers.read(theirs)));
        }
        for (int device = 0; device < groups.size(); device++) {
            Deque<GroupNumbers> theirs = said.get(teller.applyAsInt(device));
            if (theirs.size() < groups.get(device).size()) {
                throw new IllegalStateException(
                        "%s of %d groups of device %d came, of %d"
                                .formatted(what, theirs.size(), device, groups.get(device).size()));
            }
            groups.get(device).forEach(group -> tell.accept(group, theirs.remove()));
        }
    }
}
