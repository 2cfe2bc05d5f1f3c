package org.attune.rollout.generation;

import org.attune.rollout.generation.Ticket.State;

import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.SequencedSet;

/// The sequences of a [GenerationBatch] by their state. Each is in one place.
final class Roster {
    private final List<Lane> lanes = new ArrayList<>(); // the next to decode first
    private final SequencedSet<Ticket> waiting = new LinkedHashSet<>();
    private final SequencedSet<Ticket> reading = new LinkedHashSet<>();
    private final SequencedSet<Ticket> paused = new LinkedHashSet<>(); // longest first
    private boolean timed;

    /// Lets a new sequence wait behind the others.
    void add(Ticket live) {
        if (!lanes.contains(live.lane())) {
            lanes.add(live.lane());
        }
        timed |= live.endsInTime();
        waiting.add(live);
    }

    boolean isReading() {
        return !reading.isEmpty();
    }

    boolean isDecoding() {
        return lanes.stream().anyMatch(lane -> !lane.rows().isEmpty());
    }

    boolean isWaiting() {
        return !waiting.isEmpty();
    }

    /// Whether a paused sequence may run out of time.
    boolean isPausedInTime() {
        return paused.stream().anyMatch(Ticket::endsInTime);
    }

    /// What has run out of time.
    List<Ticket> late() {
        if (!timed) {
            return List.of();
        }
        long now = System.nanoTime();
        return all().stream().filter(live -> live.isLate(now)).toList();
    }

    /// All sequences, those that get tokens first.
    List<Ticket> all() {
        List<Ticket> all = new ArrayList<>();
        lanes.forEach(lane -> all.addAll(lane.rows()));
        all.addAll(reading);
        all.addAll(waiting);
        all.addAll(paused);
        return all;
    }

    /// Forgets all sequences.
    void clear() {
        lanes.forEach(lane -> lane.rows().clear());
        waiting.clear();
        reading.clear();
        paused.clear();
    }

    /// The first waiting sequences of one lane.
    ///
    /// @param most of them
    List<Ticket> nextWaiting(int most) {
        Lane lane = waiting.getFirst().lane();
        return waiting.stream().filter(live -> live.lane() == lane).limit(most).toList();
    }

    /// Sequences of one lane whose ends are to be read; empty if there are none.
    List<Ticket> nextReading() {
        if (reading.isEmpty()) {
            return List.of();
        }
        Lane lane = reading.getFirst().lane();
        return reading.stream().filter(live -> live.lane() == lane).toList();
    }

    /// The lane whose turn it is to get tokens; one has sequences that do.
    Lane nextLane() {
        while (lanes.getFirst().rows().isEmpty()) {
            lanes.add(lanes.removeFirst());
        }
        Lane lane = lanes.removeFirst();
        lanes.add(lane);
        return lane;
    }

    /// The sequence that has been paused for longest of those that have a slot.
    Optional<Ticket> pausedWithSlot() {
        return paused.stream().filter(Ticket::hasSlot).findFirst();
    }

    /// Moves a sequence to where its next state has it. One that waits again comes first.
    ///
    /// @return the sequence that took its row, if it had one and wasn't the last
    Optional<Ticket> move(Ticket live, State next) {
        Optional<Ticket> instead = leave(live);
        live.become(next);
        switch (next) {
            case WAITING -> waiting.addFirst(live);
            case READING -> reading.add(live);
            case ACTIVE -> live.lane().rows().add(live);
            case PAUSED -> paused.add(live);
            case ENDED -> {}
        }
        return instead;
    }

    private Optional<Ticket> leave(Ticket live) {
        return switch (live.state()) {
            case WAITING -> none(waiting.remove(live));
            case READING -> none(reading.remove(live));
            case ACTIVE -> leaveRows(live);
            case PAUSED -> none(paused.remove(live));
            case ENDED -> none(false);
        };
    }

    private static Optional<Ticket> none(boolean wasThere) {
        if (!wasThere) {
            throw new IllegalStateException("a sequence isn't where its state says");
        }
        return Optional.empty();
    }

    private static Optional<Ticket> leaveRows(Ticket live) {
        List<Ticket> rows = live.lane().rows();
        int row = rows.indexOf(live);
        Ticket last = rows.removeLast();
        if (last == live) {
            return Optional.empty();
        }
        rows.set(row, last);
        return Optional.of(last);
    }
}
