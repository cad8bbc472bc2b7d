// Has AWS' own CDK read the template at argv[2], and prints what it made of it as JSON.
import cdk from "aws-cdk-lib";
import { CfnInclude } from "aws-cdk-lib/cloudformation-include";

const app = new cdk.App({ analyticsReporting: false, outdir: "out" });
const stack = new cdk.Stack(app, "stack", { synthesizer: new cdk.LegacyStackSynthesizer() });
new CfnInclude(stack, "template", { templateFile: process.argv[2] });
console.log(JSON.stringify(app.synth().getStackByName("stack").template));
