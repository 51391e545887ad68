db.getSiblingDB("admin").auth("root", process.env.MONGODB_ROOT_PASSWORD);

const app = db.getSiblingDB("app");
if (!app.getCollectionNames().includes("notes")) {
  app.createCollection("notes");
}
app.notes.createIndex({ created: 1 });
