import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// An agent that Attune trains without knowing it: it asks an OpenAI-compatible endpoint for
/// guesses, and says whether they are too high or too low. Its row has the column `number`.
///
///     agent: {command: [java, GuessAgent.java]}
///
/// By hand: `echo '{"number": 7}' | java GuessAgent.java`, with `OPENAI_BASE_URL` and
/// `OPENAI_API_KEY` of any server.
public class GuessAgent {
    private static final int GUESSES = 4;
    private static final Pattern NUMBER = Pattern.compile("\"number\"\\s*:\\s*(\\d+)");
    private static final Pattern CONTENT =
            Pattern.compile("\"content\"\\s*:\\s*\"((?:[^\"\\\\]|\\\\.)*)\"");

    private final HttpClient client = HttpClient.newHttpClient();
    private final StringBuilder messages = new StringBuilder();

    public static void main(String[] args) throws Exception {
        String row = new String(System.in.readAllBytes(), StandardCharsets.UTF_8);
        System.out.println(new GuessAgent().play(Integer.parseInt(first(NUMBER, row))));
    }

    /// The last line of output: the reward, and what is worth knowing.
    private String play(int number) throws Exception {
        say("user", "Guess my number between 1 and 15. Answer with a number alone.");
        for (int guesses = 1; guesses <= GUESSES; guesses++) {
            String answer = ask();
            Matcher guess = Pattern.compile("\\d{1,3}").matcher(answer);
            if (!guess.find()) {
                return "{\"reward\": 0, \"guesses\": " + guesses + "}";
            }
            int said = Integer.parseInt(guess.group());
            if (said == number) {
                return "{\"reward\": 1, \"guesses\": " + guesses + "}";
            }
            say("user", said < number ? "higher" : "lower");
        }
        return "{\"reward\": 0, \"guesses\": " + GUESSES + "}";
    }

    private void say(String role, String json) {
        messages.append(messages.isEmpty() ? "" : ",")
                .append("{\"role\":\"%s\",\"content\":\"%s\"}".formatted(role, json));
    }

    private String ask() throws Exception {
        String body = "{\"model\":\"policy\",\"messages\":[" + messages + "]}";
        HttpRequest request =
                HttpRequest.newBuilder(
                                URI.create(System.getenv("OPENAI_BASE_URL") + "/chat/completions"))
                        .header("Authorization", "Bearer " + System.getenv("OPENAI_API_KEY"))
                        .header("Content-Type", "application/json")
                        .POST(BodyPublishers.ofString(body))
                        .build();
        var response = client.send(request, BodyHandlers.ofString());
        if (response.statusCode() != 200) {
            throw new IOException(response.body());
        }
        String content = first(CONTENT, response.body());
        say("assistant", content); // still escaped, as it came
        return content;
    }

    private static String first(Pattern pattern, String text) throws IOException {
        Matcher matcher = pattern.matcher(text);
        if (!matcher.find()) {
            throw new IOException("no " + pattern + " in " + text);
        }
        return matcher.group(1);
    }
}
