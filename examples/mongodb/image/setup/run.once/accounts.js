// Only the first account can be created without a log-in. When this file runs again,
// it goes on with the log-in.
const admin = db.getSiblingDB("admin");

try {
  admin.createUser({ user: "root", pwd: process.env.MONGODB_ROOT_PASSWORD, roles: ["root"] });
} catch (error) {
  print("the account root is there already");
}
admin.auth("root", process.env.MONGODB_ROOT_PASSWORD);

if (!admin.getUser("exporter")) {
  admin.createUser({
    user: "exporter",
    pwd: process.env.MONGODB_EXPORTER_PASSWORD,
    roles: ["clusterMonitor", { role: "read", db: "local" }],
  });
}
