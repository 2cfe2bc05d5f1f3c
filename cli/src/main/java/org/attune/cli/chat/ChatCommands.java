package org.attune.cli.chat;

import org.attune.cli.command.GivenPictures;
import org.attune.error.ConfigException;
import org.attune.error.Spelling;
import org.attune.images.Picture;
import org.attune.json.Json;
import org.attune.rollout.generation.ChatSession;
import org.attune.rollout.sampling.SamplingConfig;
import org.attune.text.Conversation;
import org.attune.text.Message;

import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// Commands of a conversation, which begin with `/`.
final class ChatCommands {
    /// What comes after a command.
    enum Next {
        CONTINUE,
        RETRY,
        QUIT
    }

    private static final String HELP =
            """
            /help              this list
            /clear             start another conversation (also /new and /reset)
            /system TEXT       start another one with this system message; without TEXT: show it
            /image FILE        show a picture with the next message; may be repeated
            /retry             answer the last message again, with other draws
            /set NAME=VALUE    change how answers are sampled; without NAME: show it
            /save FILE         add the conversation to FILE, a line {"messages": [...]} for attune sft
            /quit              end (also /exit, Ctrl-D, and Ctrl-C at the prompt)
            A message of several lines stands between two lines of \""", or its lines end with \\.
            // at the beginning of a message is one /. Ctrl-C ends an answer.\
            """;

    private static final List<String> NAMES =
            List.of(
                    "/help", "/clear", "/new", "/reset", "/system", "/image", "/retry", "/set",
                    "/save", "/quit", "/exit");

    private final ChatSession session;
    private final PrintWriter out;
    private final List<Picture> shown = new ArrayList<>(); // for the next message
    private ChatSettings settings;

    ChatCommands(ChatSession session, ChatSettings settings, PrintWriter out) {
        this.session = session;
        this.settings = settings;
        this.out = out;
    }

    /// How the next answer is sampled.
    SamplingConfig sampling() {
        return settings.sampling();
    }

    /// Does what a line that begins with `/` says.
    ///
    /// @throws ConfigException with what is accepted
    Next take(String line) {
        String[] parts = line.split("\\s+", 2);
        String rest = parts.length < 2 ? "" : parts[1].strip();
        return switch (parts[0]) {
            case "/help" -> said(HELP);
            case "/image" -> show(rest);
            case "/clear", "/new", "/reset" -> {
                session.reset();
                shown.clear();
                yield said("A new conversation.");
            }
            case "/system" -> system(rest);
            case "/retry" -> retry();
            case "/set" -> {
                settings = rest.isEmpty() ? settings : settings.with(rest);
                yield said(settings.shown());
            }
            case "/save" -> save(rest);
            case "/quit", "/exit" -> Next.QUIT;
            default ->
                    said(
                            "There is no command %s%s; /help lists them. To say it, begin with //."
                                    .formatted(
                                            parts[0],
                                            Spelling.nearest(parts[0], NAMES)
                                                    .map(near -> ", but " + near)
                                                    .orElse("")));
        };
    }

    private Next said(String text) {
        out.println(text);
        out.flush();
        return Next.CONTINUE;
    }

    private Next system(String text) {
        if (text.isEmpty()) {
            return said(
                    session.opening().isEmpty()
                            ? "There is no system message; the model's template may have one."
                            : session.opening().getFirst().content());
        }
        session.reset(List.of(Message.of("system", text)));
        shown.clear();
        return said("A new conversation with this system message.");
    }

    private Next show(String name) {
        if (name.isEmpty()) {
            throw new ConfigException("/image: which file? Give /image FILE");
        }
        if (!session.sees()) {
            throw new ConfigException("/image: this model sees no pictures; start one that does");
        }
        Picture picture = GivenPictures.read(TypedPath.of("/image", name));
        shown.add(picture);
        return said(picture.name() + " goes with the next message.");
    }

    /// The user's next message, with the pictures that were shown for it.
    Message message(String text) {
        return Conversation.message("user", List.copyOf(shown), text);
    }

    /// The message is part of the conversation, so its pictures don't go with the next one.
    void taken() {
        shown.clear();
    }

    private Next retry() {
        if (!session.canRetry()) {
            return said("There is nothing to answer again.");
        }
        if (settings.sampling().distribution().temperature() == 0) {
            said("(temperature is 0, so the answer will be the same; try /set temperature=0.8)");
        }
        settings = settings.redrawn();
        return Next.RETRY;
    }

    private Next save(String name) {
        if (name.isEmpty()) {
            throw new ConfigException("/save: which file? Give /save FILE");
        }
        Path file = TypedPath.of("/save", name);
        if (!session.canRetry()) {
            return said("There is nothing to save yet.");
        }
        try {
            Files.writeString(
                    file,
                    line(session.messages()) + "\n",
                    StandardOpenOption.CREATE,
                    StandardOpenOption.APPEND);
            return said(
                    "%d messages are now a line of %s.".formatted(session.messages().size(), file));
        } catch (IOException e) {
            throw new ConfigException("/save " + name + ": can't be written: " + e, e);
        }
    }

    private static String line(List<Message> messages) {
        List<Map<String, Object>> turns = new ArrayList<>();
        List<String> pictures = new ArrayList<>();
        for (Message message : messages) {
            Map<String, Object> turn = new LinkedHashMap<>();
            turn.put("role", message.role());
            turn.put(
                    "content",
                    Conversation.pictures(message).isEmpty() ? message.content() : parts(message));
            turns.add(turn);
            Conversation.pictures(message).forEach(p -> pictures.add(p.address()));
        }
        Map<String, Object> row = new LinkedHashMap<>();
        row.put("messages", turns);
        if (!pictures.isEmpty()) {
            row.put("images", pictures);
        }
        return Json.compact(row);
    }

    /// Places of pictures, which the column `images` names, before the text.
    private static List<Object> parts(Message message) {
        List<Object> parts = new ArrayList<>();
        Conversation.pictures(message).forEach(_ -> parts.add(Map.of("type", "image")));
        Map<String, Object> text = new LinkedHashMap<>();
        text.put("type", "text");
        text.put("text", message.content());
        parts.add(text);
        return parts;
    }
}
