// The phases are tested on connections; here their folder is covered by the same tests.
import '../tls-connection.test.js';
